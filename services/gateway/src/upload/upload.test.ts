import { unlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { jest } from '@jest/globals';
import { tableFromIPC } from 'apache-arrow';
import { echo } from '../testing/fake-crossmatch.js';
import { blob, eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';
import { openRaw, sendThenRead } from '../testing/raw-http.js';

const started: UnderTest[] = [];
async function start(flags: Record<string, string> = {}): Promise<UnderTest> {
  const subject = await startUnderTest({ flags });
  started.push(subject);
  return subject;
}
afterEach(async () => {
  for (const subject of started.splice(0)) {
    await eventually(() => subject.gateway.activeStreamCount === 0, 'no stream runs');
    await eventually(() => subject.spooledFiles().length === 0, 'the spool is empty');
    await subject[Symbol.asyncDispose]();
  }
});

const LEFT = positionsIpc(3);
const REQUEST = 'POST /v1/crossmatch?radius=1&right=stars';

const post = (
  subject: UnderTest,
  body: FormData | Uint8Array<ArrayBuffer> | string,
  query = 'radius=1',
  headers: Record<string, string> = {},
): Promise<Response> => fetch(`${subject.url}/v1/crossmatch?${query}`, { method: 'POST', body, headers });

const reasonOf = async (response: Response): Promise<string> => ((await response.json()) as { reason: string }).reason;

test('a client that reads nothing before it has sent all gets the whole answer', async () => {
  const subject = await start();
  // Far more than the buffers of both sockets hold.
  const left = positionsIpc(2_500_000);
  const { status, body } = await sendThenRead(`${subject.url}/v1/crossmatch?radius=1&right=stars`, left);
  expect(status).toBe(200);
  expect(tableFromIPC(body).numRows).toBe(2_500_000);
});

test('a body over the limit is refused, also to a client that is still sending', async () => {
  const subject = await start({ uploadLimitBytes: '1MiB' });
  const body = Buffer.alloc(20 << 20);
  body.set(positionsIpc(100_000));
  const call = openRaw(subject.url);
  call.socket.write(
    `POST /v1/crossmatch?radius=1&right=stars HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  call.socket.write(body);
  const answer = await call.answer;
  expect(answer.head).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer.head.toLowerCase()).toContain('connection: close');
  expect(JSON.parse(answer.body.toString())).toMatchObject({ reason: 'MESSAGE_TOO_LARGE' });
});

test('a body that is announced to be over the limit is refused before it comes', async () => {
  const subject = await start({ uploadLimitBytes: '1MiB' });
  const call = openRaw(subject.url);
  call.socket.write(
    'POST /v1/crossmatch?radius=1&right=stars HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1048577\r\n\r\n',
  );
  const { head } = await call.answer;
  expect(head).toMatch(/^HTTP\/1\.1 413 /);
});

test('a compressed form is refused by that name', async () => {
  const subject = await start();
  const response = await post(subject, 'x', 'radius=1', {
    'content-type': 'multipart/form-data; boundary=x',
    'content-encoding': 'gzip',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    reason: 'REQUEST_INVALID',
    detail: expect.stringContaining('content-encoding'),
  });
});

describe('content-encoding', () => {
  const gzipped = { 'content-encoding': 'gzip' };
  const stored = 'radius=1&right=stars';
  const packed = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(gzipSync(bytes));

  test.each(['gzip', 'x-gzip', 'GZIP', 'identity'])('%s: the body is what was packed', async (encoding) => {
    const subject = await start();
    const body = encoding === 'identity' ? LEFT : packed(LEFT);
    const response = await post(subject, body, stored, { 'content-encoding': encoding });
    expect(response.status).toBe(200);
    const plain = await post(subject, LEFT, stored);
    expect(tableFromIPC(await response.arrayBuffer()).toArray()).toEqual(
      tableFromIPC(await plain.arrayBuffer()).toArray(),
    );
  });

  test('a table that is put may be packed as well', async () => {
    const subject = await start();
    const put = (body: Uint8Array<ArrayBuffer>): Promise<Response> =>
      fetch(`${subject.url}/v1/crossmatch/tables/packed`, { method: 'PUT', body, headers: gzipped });
    expect((await put(packed(LEFT))).status).toBe(201);
    const refused = await put(LEFT);
    expect([refused.status, await reasonOf(refused)]).toEqual([400, 'GZIP_INVALID']);
  });

  test.each([
    ['a body that is no gzip', LEFT],
    ['a body that ends early', packed(LEFT).slice(0, -20)],
    ['a body with something behind it', new Uint8Array([...packed(LEFT).slice(0, -8), ...new Uint8Array(8)])],
  ])('%s is refused', async (_, body) => {
    const response = await post(await start(), body, stored, gzipped);
    expect([response.status, await reasonOf(response)]).toEqual([400, 'GZIP_INVALID']);
  });

  test.each(['br', 'zstd', 'deflate', 'gzip, gzip', 'nonsense'])('%s is not read', async (encoding) => {
    const subject = await start();
    const types = ['application/octet-stream', 'multipart/form-data; boundary=x'];
    for (const type of types) {
      const response = await post(subject, LEFT, stored, { 'content-encoding': encoding, 'content-type': type });
      expect([response.status, await reasonOf(response)]).toEqual([415, 'CONTENT_ENCODING_UNKNOWN']);
    }
  });

  test('the limit of a body is of what comes out, too', async () => {
    const subject = await start({ uploadLimitBytes: '1MiB' });
    const response = await post(subject, packed(positionsIpc(200_000)), stored, gzipped);
    expect([response.status, await reasonOf(response)]).toEqual([413, 'MESSAGE_TOO_LARGE']);
  });
});

test('a refusal of the options reaches a client in mid-upload', async () => {
  const subject = await start();
  const response = await sendThenRead(`${subject.url}/v1/crossmatch?radius=NaN&right=stars`, Buffer.alloc(30 << 20));
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body.toString())).toMatchObject({ reason: 'OPTION_INVALID' });
});

test('a client that asks before it sends is spared the upload when it is refused', async () => {
  const subject = await start();
  const ask = async (query: string, body: Uint8Array): Promise<string> => {
    const { socket, answer } = openRaw(subject.url);
    socket.write(
      `POST /v1/crossmatch?${query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    const first = await new Promise<string>((resolve) =>
      socket.once('data', (chunk) => resolve(chunk.toString('latin1'))),
    );
    const line = first.slice(0, first.indexOf('\r\n'));
    if (line.includes('100')) socket.write(body);
    else socket.end();
    await answer;
    return line;
  };
  expect(await ask('radius=nonsense&right=stars', LEFT)).toBe('HTTP/1.1 400 Bad Request');
  expect(await ask('radius=1&right=stars', LEFT)).toBe('HTTP/1.1 100 Continue');
  expect(subject.fake.matches[0].byteCounts.get(0)).toBeGreaterThan(0);
});

test('32 clients at once get each their own answer', async () => {
  const subject = await start();
  const rows = await Promise.all(
    Array.from({ length: 32 }, async (_, n) => {
      const form = new FormData();
      form.append(n % 2 ? 'left' : 'right', blob(positionsIpc(n % 2 ? 1000 + n : 77)), 'a');
      form.append(n % 2 ? 'right' : 'left', blob(positionsIpc(n % 2 ? 77 : 1000 + n)), 'b');
      return tableFromIPC(new Uint8Array(await (await post(subject, form)).arrayBuffer())).numRows;
    }),
  );
  expect(rows).toEqual(Array.from({ length: 32 }, (_, n) => 1000 + n));
});

test.each([
  ['a chunk without a length', 'zz\r\n', REQUEST],
  ['a chunk that is longer than it says', '3\r\nra,dec\r\n', REQUEST],
  ['a chunk without a length', 'zz\r\n', 'PUT /v1/crossmatch/tables/stars'],
  ['a chunk without a length', 'zz\r\n', 'POST /v1/crossmatch/explain'],
])('a chunked body with %s is told so', async (_what, bytes, line) => {
  const subject = await start();
  const { socket, answer } = openRaw(subject.url);
  socket.write(`${line} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
  socket.write('7\r\nra,dec\n\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.write(bytes);
  const { head, body } = await answer;
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head.toLowerCase()).toContain('content-type: application/problem+json');
  expect(JSON.parse(body.toString())).toMatchObject({ reason: 'REQUEST_INVALID', fields: { field: 'body' } });
  expect((await fetch(`${subject.url}/healthz`)).status).toBe(200);
});

test('headers that come slowly, or never, are not waited for', async () => {
  const subject = await start({ headerSeconds: '1' });
  const silent = openRaw(subject.url);
  const slow = openRaw(subject.url);
  slow.socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n');
  const dripping = setInterval(() => slow.socket.write('x-more: 1\r\n'), 200);
  slow.socket.once('close', () => clearInterval(dripping));
  // Both connections end without a step of the client; the limit of the test is the hang guard.
  expect((await slow.answer).head).toMatch(/^HTTP\/1\.1 408 /);
  expect((await silent.answer).head).toMatch(/^(HTTP\/1\.1 408 |$)/);
  expect((await fetch(`${subject.url}/healthz`)).status).toBe(200);
}, 30_000);

test('a disk that is full is a typed problem at whichever write, and nothing stays on it', async () => {
  const subject = await start();
  const probe = await open(join(subject.spoolFolder, 'probe'), 'w');
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  await probe.close();
  unlinkSync(join(subject.spoolFolder, 'probe'));
  const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const { write } = prototype;
  let failAt = 0;
  let count = 0;
  const spy = jest.spyOn(prototype, 'write').mockImplementation(function (this: FileHandle, ...given: unknown[]) {
    return count++ === failAt
      ? Promise.reject(noSpace)
      : (write as (...all: unknown[]) => Promise<never>).apply(this, given);
  });
  try {
    for (;;) {
      count = 0;
      const form = new FormData();
      form.append('left', blob(positionsIpc(40_000)), 'left.arrow');
      form.append('right', blob(positionsIpc(10)), 'right.arrow');
      const response = await post(subject, form, 'radius=1');
      if (count <= failAt) {
        expect(tableFromIPC(await response.arrayBuffer()).numRows).toBe(40_000);
        break;
      }
      expect(response.status).toBe(507);
      expect(await response.json()).toMatchObject({
        reason: 'SPOOL_FAILED',
        detail: expect.stringContaining('ENOSPC'),
      });
      await eventually(() => subject.spooledFiles().length === 0, 'nothing stays');
      failAt++;
    }
    expect(failAt).toBeGreaterThan(3);
  } finally {
    spy.mockRestore();
  }
}, 60_000);

test('a sender that stalls is refused', async () => {
  const subject = await start({ senderWindowSeconds: '1', minSenderBytesPerSecond: '1000' });
  const call = openRaw(subject.url);
  call.socket.write(
    'POST /v1/crossmatch?radius=1&right=stars HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nra,dec\n',
  );
  const answer = await call.answer;
  expect(answer.head).toMatch(/^HTTP\/1\.1 408 /);
  expect(JSON.parse(answer.body.toString())).toMatchObject({ reason: 'SENDER_TOO_SLOW' });
}, 20_000);

test('the spool has a limit', async () => {
  const subject = await start({ spoolLimitBytes: '100kB' });
  const form = new FormData();
  form.append('left', blob(positionsIpc(50_000)), 'left.arrows');
  form.append('right', blob(LEFT), 'right.arrows');
  const response = await post(subject, form);
  expect(response.status).toBe(507);
  expect(await reasonOf(response)).toBe('SPOOL_FULL');
});

test('the streams at once have a limit', async () => {
  const subject = await start({ maxHttpStreams: '1' });
  subject.fake.behaviour = async function* (requests, seen, context) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    yield* echo(requests, seen, context);
  };
  const first = post(subject, LEFT, 'radius=1&right=stars');
  await eventually(() => subject.fake.matches.length === 1, 'the first runs');
  const second = await post(subject, LEFT, 'radius=1&right=stars');
  expect(second.status).toBe(429);
  expect(second.headers.get('retry-after')).toBe('1');
  expect(await reasonOf(second)).toBe('SERVER_BUSY');
  expect((await first).status).toBe(200);
  await (await first).arrayBuffer();
});

describe('forms', () => {
  const boundary = 'xYzZY';
  const multipart = (...parts: string[]): string =>
    parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('') + `--${boundary}--\r\n`;
  const file = (name: string, content: string): string =>
    `Content-Disposition: form-data; name="${name}"; filename="${name}.csv"\r\n\r\n${content}`;
  const field = (name: string, content: string): string =>
    `Content-Disposition: form-data; name="${name}"\r\n\r\n${content}`;
  const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };

  test.each([
    ['without an end', () => multipart(file('right', 'x')).slice(0, -10), 'REQUEST_INVALID'],
    ['without left', () => multipart(field('radius', '1'), field('right', 'stars')), 'REQUEST_INVALID'],
    ['with an unknown option', () => multipart(field('colour', 'red'), field('radius', '1')), 'OPTION_UNKNOWN'],
    ['with a part twice', () => multipart(field('radius', '1'), field('radius', '2')), 'REQUEST_INVALID'],
    ['with broken options', () => multipart(field('options', '{"radius"')), 'REQUEST_INVALID'],
    ['with options that are no object', () => multipart(field('options', '[1]')), 'REQUEST_INVALID'],
    [
      'with too many parts',
      () => multipart(...Array.from({ length: 100 }, (_, n) => field(`p${n}`, ''))),
      'REQUEST_INVALID',
    ],
    ['with a bad name of a stored table', () => multipart(field('right', '../etc')), 'HANDLE_INVALID'],
    ['empty', () => multipart(), 'OPTION_INVALID'],
    ['of no bytes', () => '', 'REQUEST_INVALID'],
  ])('%s are refused', async (_what, body, reason) => {
    const subject = await start();
    const response = await post(subject, body(), '', headers);
    expect(response.status).toBe(400);
    expect(await reasonOf(response)).toBe(reason);
  });

  test('without a boundary are refused', async () => {
    const subject = await start();
    expect(await reasonOf(await post(subject, 'x', 'radius=1', { 'content-type': 'multipart/form-data' }))).toBe(
      'REQUEST_INVALID',
    );
  });

  test('options after a streamed table are refused', async () => {
    const subject = await start();
    const form = new FormData();
    form.append('right', blob(LEFT), 'r');
    form.append('find', 'all');
    const response = await post(subject, form);
    expect(await reasonOf(response)).toBe('STREAM_ORDER');
  });

  test('a name of a stored table and options as fields will do, in a chunked form with odd boundaries', async () => {
    const subject = await start();
    const odd = '<<<--------------MULTIPART-BOUNDARY------->>>';
    const head = `--${odd}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Disposition: form-data; name="right"\r\n\r\ngaia\r\n--${odd}\r\nContent-Disposition: form-data; name="radius"\r\n\r\n2arcmin\r\n--${odd}\r\nContent-Disposition: form-data; name="left"\r\n\r\n`;
    const body = Buffer.concat([Buffer.from(head), LEFT, Buffer.from(`\r\n--${odd}--\r\n`)]);
    const response = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(
        `${subject.url}/v1/crossmatch`,
        {
          method: 'POST',
          headers: { 'content-type': `multipart/form-data; boundary="${odd}"`, 'transfer-encoding': 'chunked' },
        },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode));
        },
      );
      call.on('error', reject);
      for (let at = 0; at < body.length; at += 100) call.write(body.subarray(at, at + 100));
      call.end();
    });
    expect(response).toBe(200);
    expect(subject.fake.matches[0].request).toMatchObject({ rightTable: 'gaia', options: { radiusArcsec: 120 } });
    expect(subject.fake.matches[0].tableOrder).toEqual([0]);
  });

  test('a right table beside a stored one is a conflict', async () => {
    const subject = await start();
    const form = new FormData();
    form.append('right', blob(LEFT), 'r');
    form.append('left', blob(LEFT), 'l');
    expect(await reasonOf(await post(subject, form, 'radius=1&self_match=pairs'))).toBe('OPTIONS_CONFLICT');
  });
});

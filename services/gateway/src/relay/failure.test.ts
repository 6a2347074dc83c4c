import { fail } from '@armilla/base';
import { makeFrame } from '@armilla/chassis';
import { IPC_END } from '@armilla/tables';
import { tableFromIPC } from 'apache-arrow';
import { startCutProxy } from '../testing/cut-proxy.js';
import {
  answerFrames,
  answering,
  echo,
  messagesOf,
  note,
  startFake,
  summaryFrame,
} from '../testing/fake-crossmatch.js';
import { eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';
import { openRaw } from '../testing/raw-http.js';

let subject: UnderTest;
beforeAll(async () => {
  subject = await startUnderTest();
});
afterAll(() => subject[Symbol.asyncDispose]());

/** Half a megabyte: more than is held back at the start of an answer. */
const PART = positionsIpc(32_768);
const LEFT = positionsIpc(3);
const match = (query = ''): Promise<Response> =>
  fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars${query}`, { method: 'POST', body: LEFT });

function rawMatch(): ReturnType<typeof openRaw> {
  const raw = openRaw(subject.url);
  raw.socket.write(
    `POST /v1/crossmatch?radius=1&right=stars HTTP/1.1\r\nhost: x\r\nx-request-id: raw-1\r\ncontent-length: ${LEFT.length}\r\n\r\n`,
  );
  raw.socket.write(LEFT);
  return raw;
}

async function resultOf(requestId: string): Promise<{ state: string; failure?: { reason: string; message: string } }> {
  const response = await fetch(`${subject.url}/v1/crossmatch/results/${requestId}`);
  return (await response.json()) as never;
}

test('a refusal of the service is problem+json with its reason', async () => {
  subject.fake.behaviour = async function* () {
    throw fail('COLUMN_AMBIGUOUS', {
      where: 'left',
      count: 2,
      role: 'right ascension',
      candidates: 'ra, alpha',
      option: 'left_ra',
    });
  };
  const response = await match();
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({ reason: 'COLUMN_AMBIGUOUS', fields: { candidates: 'ra, alpha' } });
});

test('a failure right after the schema is still problem+json', async () => {
  subject.fake.behaviour = async function* (requests) {
    for await (const _ of requests);
    yield* [...answerFrames(LEFT)].slice(0, 1);
    throw fail('BAD_ROW', { where: 'left', row: 17, reason: 'POSITION_NAN', column: 'ra', got: 'NaN' });
  };
  const response = await match();
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ reason: 'BAD_ROW' });
});

test('a failure in mid-stream breaks the connection: no terminal chunk, no end mark', async () => {
  subject.fake.behaviour = async function* (requests) {
    for await (const _ of requests);
    yield* answerFrames(PART, 4);
    throw fail('DEADLINE_EXCEEDED', { elapsed: '1 s' });
  };
  const { head, body, ending } = await rawMatch().answer;
  expect(head).toMatch(/^HTTP\/1\.1 200 /);
  expect(ending).toBe('ECONNRESET');
  expect(body.subarray(-5).toString('latin1')).not.toBe('0\r\n\r\n');
  expect(body.includes(Buffer.from(IPC_END))).toBe(false);
  const { state, failure } = await resultOf('raw-1');
  expect(state).toBe('failed');
  expect(failure?.reason).toBe('DEADLINE_EXCEEDED');
  await expect(match().then((response) => response.arrayBuffer())).rejects.toThrow();
});

test('an answer that ends without its summary is broken off', async () => {
  subject.fake.behaviour = async function* (requests) {
    for await (const _ of requests);
    yield* answerFrames(PART, 4);
  };
  const response = await match();
  await expect(response.arrayBuffer()).rejects.toThrow();
  const { failure } = await resultOf(response.headers.get('x-request-id')!);
  expect(failure?.reason).toBe('STREAM_INCOMPLETE');
});

test('rows behind the summary are a failure', async () => {
  subject.fake.behaviour = async function* (requests, _seen, context) {
    for await (const _ of requests);
    yield* answerFrames(LEFT);
    yield summaryFrame(context.requestId);
    yield makeFrame({ header: messagesOf(LEFT)[1].header, body: [new Uint8Array(8)] });
  };
  expect(((await (await match()).json()) as { reason: string }).reason).toBe('STREAM_ORDER');
});

test('a killed service breaks the answer off, and a retry gives the whole one', async () => {
  const fake = await startFake(async function* (requests, _seen, { signal }) {
    for await (const _ of requests);
    yield* answerFrames(PART, 4);
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const proxy = await startCutProxy(fake.target);
  const own = await startUnderTest({ target: proxy.target });
  const ask = (): Promise<Response> =>
    fetch(`${own.url}/v1/crossmatch?radius=1&right=stars&timeout=20s`, { method: 'POST', body: LEFT });
  try {
    const response = await ask();
    const body = response.arrayBuffer();
    // Asserted below; it may fail before that.
    body.catch(() => undefined);
    proxy.cut();
    await expect(body).rejects.toThrow();
    const result = await fetch(`${own.url}/v1/crossmatch/results/${response.headers.get('x-request-id')}`);
    expect(await result.json()).toMatchObject({ state: 'failed', failure: { reason: 'SERVER_UNAVAILABLE' } });
    fake.behaviour = answering(PART, 4);
    const whole = await ask();
    expect(tableFromIPC(new Uint8Array(await whole.arrayBuffer())).numRows).toBe(4 * 32_768);
    proxy.close();
    const refused = await ask();
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ reason: 'SERVER_UNAVAILABLE' });
  } finally {
    proxy.close();
    await own[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  }
});

test('a client that leaves cancels the call at once', async () => {
  subject.fake.behaviour = async function* (requests) {
    for await (const _ of requests);
    for (;;) yield* answerFrames(PART, 1);
  };
  const raw = rawMatch();
  await eventually(() => raw.socket.bytesRead > 1_000_000, 'the answer flows');
  raw.socket.destroy();
  const seen = subject.fake.matches.at(-1)!;
  await eventually(() => seen.aborted !== undefined, 'the service hears of it', 2_000);
  expect(seen.aborted).toBe('CANCELLED');
  await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
});

test('a client that leaves in mid-upload cancels the call', async () => {
  // Resetting an HTTP/2 stream ends its request first, which alone is no cancellation.
  subject.fake.behaviour = async function* (requests, seen, { signal }) {
    for await (const frame of requests) note(seen, frame, new Map());
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    yield* [];
  };
  const raw = openRaw(subject.url);
  raw.socket.write('POST /v1/crossmatch?radius=1&right=stars HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n');
  raw.socket.write(PART);
  const before = subject.fake.matches.length;
  await eventually(() => (subject.fake.matches[before]?.tableOrder.length ?? 0) > 0, 'the table flows');
  raw.socket.destroy();
  await eventually(() => subject.fake.matches[before].aborted !== undefined, 'the service hears of it', 2_000);
  await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
});

test.each([
  ['query', '&timeout=300ms', {}],
  ['header', '', { 'armilla-timeout': '0.3s' }],
])('the deadline in the %s ends the request', async (_where, query, headers) => {
  subject.fake.behaviour = async function* (requests, _seen, { signal }) {
    for await (const _ of requests);
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    yield* [];
  };
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars${query}`, {
    method: 'POST',
    body: LEFT,
    headers,
  });
  expect(response.status).toBe(504);
  expect(await response.json()).toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
  const seen = subject.fake.matches.at(-1)!;
  await eventually(() => seen.aborted !== undefined, 'the service hears of it');
});

test('what is no Arrow stream behind its mark is refused with the reason', async () => {
  subject.fake.behaviour = echo;
  const broken = Buffer.from(PART);
  broken.writeUInt32LE(0x7fffffff, 4);
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, { method: 'POST', body: broken });
  expect(response.status).toBe(400);
  expect(((await response.json()) as { reason: string }).reason).toMatch(/^ARROW_/);
  const cut = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, {
    method: 'POST',
    body: PART.subarray(0, 100_000),
  });
  expect(await cut.json()).toMatchObject({ reason: 'ARROW_TRUNCATED' });
});

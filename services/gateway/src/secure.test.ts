import { hashToken, loadConfig } from '@armilla/chassis';
import { fail } from '@armilla/base';
import { tableFromIPC } from 'apache-arrow';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type ClientHttp2Session, constants } from 'node:http2';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { startGateway } from './gateway.js';
import { answerFrames, echo } from './testing/fake-crossmatch.js';
import { eventually, positionsIpc, startUnderTest, type UnderTest } from './testing/gateway-under-test.js';
import { openRaw } from './testing/raw-http.js';
import { makeSelfSigned } from './testing/self-signed.js';

const LEFT = positionsIpc(3);
const tokenFile = join(tmpdir(), `armilla-tokens-${process.pid}`);
writeFileSync(tokenFile, `${hashToken('sesame').toString('hex')} ada\n${hashToken('open').toString('hex')} eve\n`);
afterAll(() => rmSync(tokenFile));

describe('bearer tokens', () => {
  let subject: UnderTest;
  beforeAll(async () => {
    subject = await startUnderTest({ flags: { authTokens: tokenFile }, fakeFlags: { authTokens: tokenFile } });
  });
  afterAll(() => subject[Symbol.asyncDispose]());

  test.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer nonsense' }],
    ['another scheme', { authorization: 'Basic sesame' }],
  ])('%s is refused', async (_what, headers: Record<string, string>) => {
    for (const [method, path] of [
      ['POST', '/v1/crossmatch?radius=1&right=s'],
      ['GET', '/v1/crossmatch/tables'],
      ['GET', '/metrics'],
      ['GET', '/v1/runtime/status'],
      ['GET', '/v1/runtime/decisions'],
      ['GET', '/v1/runtime/explain?operation=gpu.matmul&size=8'],
      ['GET', '/v1/runtime/profile'],
      ['GET', '/dashboard'],
      ['PUT', '/v1/crossmatch/tables/x'],
      ['GET', '/nowhere'],
    ]) {
      const response = await fetch(`${subject.url}${path}`, {
        method,
        headers,
        ...(method !== 'GET' && { body: LEFT }),
      });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(await response.json()).toMatchObject({ reason: 'UNAUTHENTICATED' });
    }
    expect(subject.fake.matches).toHaveLength(0);
  });

  test('a right one passes, to the service too', async () => {
    const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=s`, {
      method: 'POST',
      headers: { authorization: 'Bearer sesame' },
      body: LEFT,
    });
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  });

  test('a summary is for who made it, even where another one takes the same request id', async () => {
    const match = async (token: string): Promise<void> => {
      const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=s`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'x-request-id': 'mine' },
        body: LEFT,
      });
      await response.arrayBuffer();
    };
    const summary = async (token: string): Promise<unknown> =>
      await (
        await fetch(`${subject.url}/v1/crossmatch/results/mine`, { headers: { authorization: `Bearer ${token}` } })
      ).json();
    await match('sesame');
    expect(await summary('sesame')).toMatchObject({ state: 'complete' });
    expect(await summary('open')).toMatchObject({ status: 404, reason: 'RESULT_NOT_FOUND' });
    await match('open');
    expect(await summary('open')).toMatchObject({ state: 'complete' });
    expect(await summary('sesame')).toMatchObject({ state: 'complete' });
  });

  test('probes and the description need none', async () => {
    for (const path of ['/healthz', '/readyz', '/openapi.json'])
      expect((await fetch(`${subject.url}${path}`)).status).toBe(200);
  });
});

test('a bind beyond loopback without certificate and tokens stops the start', async () => {
  const config = loadConfig({ flags: { httpAddress: '0.0.0.0:0', logLevel: 'silent' } });
  await expect(startGateway({ config, crossmatchTarget: '127.0.0.1:1' })).rejects.toMatchObject({
    reason: 'ADDRESS_NOT_LOOPBACK',
  });
});

test('an address in use is said', async () => {
  const subject = await startUnderTest();
  const config = loadConfig({
    flags: { httpAddress: new URL(subject.url).host, logLevel: 'silent', spoolDirectory: subject.spoolFolder },
  });
  await expect(startGateway({ config, crossmatchTarget: '127.0.0.1:1' })).rejects.toMatchObject({
    reason: 'ADDRESS_IN_USE',
  });
  await subject[Symbol.asyncDispose]();
});

const certificate = makeSelfSigned();
(certificate ? describe : describe.skip)('with a certificate (skipped where openssl is missing)', () => {
  let subject: UnderTest;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    subject = await startUnderTest({
      flags: { tlsCert: certificate?.certPath ?? '', tlsKey: certificate?.keyPath ?? '' },
    });
    session = connect(subject.url, { ca: readFileSync(certificate?.certPath ?? '') });
  });
  afterAll(async () => {
    session.destroy();
    await subject[Symbol.asyncDispose]();
    rmSync(certificate?.folder ?? '', { recursive: true });
  });

  async function ask(
    path: string,
    body?: Uint8Array,
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer; rstCode: number }> {
    const stream = session.request({ ':method': body ? 'POST' : 'GET', ':path': path });
    let headers: Record<string, unknown> = {};
    stream.on('response', (given) => (headers = given));
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    // Its code is told by 'close'.
    stream.on('error', () => undefined);
    stream.end(body);
    await new Promise((resolve) => stream.on('close', resolve));
    return { status: Number(headers[':status']), headers, body: Buffer.concat(chunks), rstCode: stream.rstCode };
  }

  test('HTTP/2 is spoken by ALPN', async () => {
    expect(
      session.alpnProtocol ??
        (await new Promise((resolve) => session.once('connect', () => resolve(session.alpnProtocol)))),
    ).toBe('h2');
    subject.fake.behaviour = echo;
    const left = positionsIpc(300_000);
    const { status, headers, body, rstCode } = await ask('/v1/crossmatch?radius=1&right=s', left);
    expect(status).toBe(200);
    expect(rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect(headers['content-type']).toBe('application/vnd.apache.arrow.stream');
    expect(tableFromIPC(body).numRows).toBe(300_000);
  });

  test('errors are problem+json', async () => {
    const { status, headers, body } = await ask('/v1/crossmatch?radius=nonsense', LEFT);
    expect(status).toBe(400);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(body.toString())).toMatchObject({ reason: 'OPTION_INVALID' });
    expect((await ask('/nothing')).status).toBe(404);
  });

  test('a failure in mid-stream is a reset of the stream, not its end', async () => {
    subject.fake.behaviour = async function* (requests) {
      for await (const _ of requests);
      yield* answerFrames(positionsIpc(50_000), 4);
      throw fail('INTERNAL', { detail: 'x' });
    };
    const { status, rstCode } = await ask('/v1/crossmatch?radius=1&right=s', LEFT);
    expect(status).toBe(200);
    expect(rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    expect((await ask('/healthz')).status).toBe(200);
  });

  test('a stream that the client resets cancels the call', async () => {
    subject.fake.behaviour = async function* (requests) {
      for await (const _ of requests);
      for (;;) yield* answerFrames(positionsIpc(50_000));
    };
    const stream = session.request({ ':method': 'POST', ':path': '/v1/crossmatch?radius=1&right=s' });
    stream.on('error', () => undefined);
    stream.end(LEFT);
    await new Promise((resolve) => stream.once('data', resolve));
    stream.close(constants.NGHTTP2_CANCEL);
    const seen = subject.fake.matches.at(-1)!;
    await eventually(() => seen.aborted !== undefined, 'the service hears of it', 2_000);
    await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
  });

  test('HTTP/1.1 is spoken too', async () => {
    const { hostname, port } = new URL(subject.url);
    const version = await new Promise((resolve, reject) =>
      httpsGet({ hostname, port, path: '/healthz', ca: readFileSync(certificate?.certPath ?? '') }, (response) => {
        response.resume();
        resolve(`${response.httpVersion} ${response.statusCode}`);
      }).on('error', reject),
    );
    expect(version).toBe('1.1 200');
  });

  test.each([
    ['HTTP in clear', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a handshake that breaks off', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a handshake of nonsense', Buffer.concat([Buffer.from('1603010020', 'hex'), Buffer.alloc(32, 1)])],
  ])('%s ends its own connection only', async (_what, bytes) => {
    const { socket, answer } = openRaw(subject.url);
    socket.write(bytes);
    socket.end();
    await answer;
    expect((await ask('/healthz')).status).toBe(200);
  });

  test.each([
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['no host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n'],
  ])('%s behind a good handshake is answered with a problem', async (_what, text) => {
    const { hostname, port } = new URL(subject.url);
    const socket = connectTls({ host: hostname, port: Number(port), ca: readFileSync(certificate?.certPath ?? '') });
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 400 [^]*"reason":"REQUEST_INVALID"/);
  });
});

describe('the stop', () => {
  test('lets a running match finish and refuses new requests', async () => {
    const subject = await startUnderTest();
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    subject.fake.behaviour = async function* (requests, seen, context) {
      await gate;
      yield* echo(requests, seen, context);
    };
    const running = fetch(`${subject.url}/v1/crossmatch?radius=1&right=s`, { method: 'POST', body: LEFT });
    await eventually(() => subject.fake.matches.length === 1, 'it runs');
    const closing = subject.gateway.close(10_000);
    await expect(fetch(`${subject.url}/healthz`, { headers: { connection: 'close' } })).rejects.toThrow();
    release();
    expect(tableFromIPC(new Uint8Array(await (await running).arrayBuffer())).numRows).toBe(3);
    await closing;
    await subject[Symbol.asyncDispose]();
  });

  test('ends what runs longer than the grace, with a reason', async () => {
    const subject = await startUnderTest();
    subject.fake.behaviour = async function* (requests, _seen, { signal }) {
      for await (const _ of requests);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      yield* [];
    };
    const running = fetch(`${subject.url}/v1/crossmatch?radius=1&right=s`, { method: 'POST', body: LEFT });
    await eventually(() => subject.fake.matches.length === 1, 'it runs');
    const closed = subject.gateway.close(100);
    const response = await running;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ reason: 'DRAINING' });
    await closed;
    await eventually(() => subject.fake.matches[0].aborted !== undefined, 'the service hears of it');
    await subject[Symbol.asyncDispose]();
  });
});

import { startTelemetry, type Telemetry } from '@armilla/chassis';
import { execFileSync, spawnSync } from 'node:child_process';
import { answering, echo } from '../testing/fake-crossmatch.js';
import { eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';
import { openRaw } from '../testing/raw-http.js';

let telemetry: Telemetry;
let subject: UnderTest;
beforeAll(async () => {
  telemetry = await startTelemetry({ env: {} });
  subject = await startUnderTest({ metricsText: () => telemetry.prometheusText() });
});
afterAll(async () => {
  await subject[Symbol.asyncDispose]();
  await telemetry.shutdown();
});

const LEFT = positionsIpc(3);
const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${subject.url}${path}`, init);
const json = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>;

test('tables are put, looked at, listed and deleted', async () => {
  const put = await get('/v1/crossmatch/tables/gaia_dr3?ttl=2h&ra=ra&dec=dec', {
    method: 'PUT',
    body: positionsIpc(1000),
  });
  expect(put.status).toBe(201);
  expect(put.headers.get('location')).toBe('/v1/crossmatch/tables/gaia_dr3');
  expect(await json(put)).toMatchObject({
    name: 'gaia_dr3',
    row_count: 2,
    column_names: ['ra', 'dec'],
    expire_time: '2026-01-01T02:00:00.000Z',
  });
  const again = await get('/v1/crossmatch/tables/gaia_dr3', {
    method: 'PUT',
    body: LEFT,
    headers: { 'if-none-match': '*' },
  });
  expect(again.status).toBe(409);
  expect(await json(again)).toMatchObject({ reason: 'HANDLE_EXISTS' });
  expect((await get('/v1/crossmatch/tables/gaia_dr3?replace=false', { method: 'PUT', body: LEFT })).status).toBe(409);
  expect((await get('/v1/crossmatch/tables/gaia_dr3', { method: 'PUT', body: 'ra,dec\n1,2\n' })).status).toBe(201);
  expect(await json(await get('/v1/crossmatch/tables/gaia_dr3'))).toMatchObject({ name: 'gaia_dr3' });
  expect(await json(await get('/v1/crossmatch/tables'))).toMatchObject({ tables: [{ name: 'gaia_dr3' }] });
  expect((await get('/v1/crossmatch/tables/gaia_dr3', { method: 'DELETE' })).status).toBe(204);
  const missing = await get('/v1/crossmatch/tables/gaia_dr3');
  expect(missing.status).toBe(404);
  expect(await json(missing)).toMatchObject({ reason: 'HANDLE_NOT_FOUND' });
});

test.each(['.hidden', 'a b', '..%2Fetc', 'x'.repeat(129)])('the table name %j is refused', async (name) => {
  const response = await get(`/v1/crossmatch/tables/${encodeURIComponent(decodeURIComponent(name))}`, {
    method: 'PUT',
    body: LEFT,
  });
  expect(response.status).toBe(400);
  expect(await json(response)).toMatchObject({ reason: 'HANDLE_INVALID' });
});

test('a table that is none is refused, and the put as a form too', async () => {
  const response = await get('/v1/crossmatch/tables/bad', { method: 'PUT', body: positionsIpc(100).slice(0, 500) });
  expect(await json(response)).toMatchObject({ reason: 'ARROW_TRUNCATED' });
  const form = await get('/v1/crossmatch/tables/bad', { method: 'PUT', body: new FormData() });
  expect(await json(form)).toMatchObject({ reason: 'REQUEST_INVALID' });
});

test('the summary of a match is there afterwards', async () => {
  const response = await get('/v1/crossmatch?radius=1&right=stars', {
    method: 'POST',
    body: LEFT,
    headers: { 'x-request-id': 'my-match_1' },
  });
  expect(response.headers.get('x-request-id')).toBe('my-match_1');
  expect(response.headers.get('link')).toContain('/v1/crossmatch/results/my-match_1');
  await response.arrayBuffer();
  const result = await json(await get('/v1/crossmatch/results/my-match_1'));
  expect(result).toMatchObject({
    request_id: 'my-match_1',
    state: 'complete',
    summary: {
      left: {
        row_count: 1,
        rejected_by_reason: { POSITION_NAN: 3 },
        misfit_by_column: { parallaxOverError: 1 },
        guessed: true,
      },
      total_seconds: 0.5,
    },
    stream: { row_count: 1, batch_count: 1, body_crc32c: 7 },
  });
  expect(result.rejected).toBeUndefined();
  expect((await json(await get('/v1/crossmatch/results/my-match_1?rejected=1'))).rejected).toEqual([
    { table: 0, row: 0, reason: 'POSITION_NAN', column: 'ra', value: 'NaN' },
  ]);
});

test('a match that runs says how far it is', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  subject.fake.behaviour = async function* (requests, seen, context) {
    const frames = echo(requests, seen, context);
    yield* (async function* () {
      for await (const frame of frames) {
        yield frame;
        await gate;
      }
    })();
  };
  const running = get('/v1/crossmatch?radius=1&right=stars', {
    method: 'POST',
    body: LEFT,
    headers: { 'x-request-id': 'slow' },
  });
  try {
    await eventually(
      () => subject.fake.matches.some(({ requestId, sentFrameCount }) => requestId === 'slow' && sentFrameCount > 0),
      'it runs',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    const response = await get('/v1/crossmatch/results/slow');
    expect(response.status).toBe(202);
    expect(await json(response)).toMatchObject({ state: 'running', progress: { stage: 'match' } });
  } finally {
    release();
  }
  await (await running).arrayBuffer();
  subject.fake.behaviour = echo;
});

test.each(['unknown', 'a%2Fb', 'x'.repeat(100)])('no result is known as %s', async (id) => {
  const response = await get(`/v1/crossmatch/results/${id}`);
  expect(response.status).toBe(404);
  expect(await json(response)).toMatchObject({ reason: 'RESULT_NOT_FOUND' });
});

test('a plan is explained by query and by body', async () => {
  const plan = { cell_count: 1000, planned_bytes: 12, estimated_pair_count: 0.5, notes: ['fake'] };
  expect(await json(await get('/v1/crossmatch/explain?radius=500mas&left_row_count=1000'))).toMatchObject(plan);
  expect(
    await json(
      await get('/v1/crossmatch/explain', {
        method: 'POST',
        body: JSON.stringify({ radius_arcsec: 0.5, left_row_count: 1000 }),
      }),
    ),
  ).toMatchObject(plan);
  expect(await json(await get('/v1/crossmatch/explain?area_square_degrees=0&radius=1'))).toMatchObject({
    reason: 'OPTION_INVALID',
  });
  expect(await json(await get('/v1/crossmatch/explain'))).toMatchObject({
    reason: 'OPTION_INVALID',
    errors: [{ field: 'radius' }],
  });
  expect(await json(await get('/v1/crossmatch/explain', { method: 'POST', body: '{' }))).toMatchObject({
    reason: 'REQUEST_INVALID',
  });
});

test.each([
  ['GET', '/v1/crossmatch', 405, 'METHOD_NOT_ALLOWED', 'POST'],
  ['POST', '/v1/crossmatch/tables/x', 405, 'METHOD_NOT_ALLOWED', 'DELETE, GET, HEAD, PUT'],
  ['DELETE', '/healthz', 405, 'METHOD_NOT_ALLOWED', 'GET, HEAD'],
  ['GET', '/v2/crossmatch', 404, 'ROUTE_NOT_FOUND', null],
  ['POST', '/', 404, 'ROUTE_NOT_FOUND', null],
  ['GET', '/%E0%A4%A', 400, 'REQUEST_INVALID', null],
])('%s %s is problem+json %d', async (method, path, status, reason, allow) => {
  const response = await get(path, { method, ...(method === 'POST' && { body: 'x'.repeat(1000) }) });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('allow')).toBe(allow);
  expect(await json(response)).toMatchObject({
    reason,
    request_id: response.headers.get('x-request-id'),
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('HEAD has the head of GET', async () => {
  for (const path of ['/healthz', '/v1/crossmatch/tables', '/openapi.json']) {
    const response = await get(path, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  }
  expect((await get('/v1/crossmatch/tables/nothing', { method: 'HEAD' })).status).toBe(404);
});

test('health and readiness', async () => {
  expect(await json(await get('/healthz'))).toEqual({ status: 'ok' });
  expect(await json(await get('/readyz'))).toEqual({ status: 'ok' });
  const alone = await startUnderTest({ target: '127.0.0.1:1' });
  try {
    expect((await fetch(`${alone.url}/healthz`)).status).toBe(200);
    const response = await fetch(`${alone.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await json(response)).toMatchObject({ reason: 'SERVER_UNAVAILABLE' });
  } finally {
    await alone[Symbol.asyncDispose]();
  }
});

test('trace context goes from the request to the service and into errors', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
  await (await get('/v1/crossmatch?radius=1&right=stars', { method: 'POST', body: LEFT, headers })).arrayBuffer();
  expect(subject.fake.matches.at(-1)?.traceId).toBe(traceId);
  expect(await json(await get('/nothing', { headers }))).toMatchObject({ trace_id: traceId });
});

test('metrics are in the text format of Prometheus', async () => {
  subject.fake.behaviour = answering(LEFT);
  await (await get('/v1/crossmatch?radius=1&right=stars', { method: 'POST', body: LEFT })).arrayBuffer();
  await eventually(() => subject.gateway.activeStreamCount === 0, 'the exchange is over');
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  for (const pattern of [
    /http_server_request_duration_bucket\{.*http_route="\/v1\/crossmatch".*\} [1-9]/,
    /armilla_http_sent_total\{.*\} [1-9]/,
    /armilla_http_received_total\{.*\} [1-9]/,
  ]) {
    expect([pattern.source, pattern.test(text)]).toEqual([pattern.source, true]);
  }
});

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
(hasPromtool ? test : test.skip)(
  'promtool finds no fault with the metrics (skipped where promtool is missing)',
  async () => {
    execFileSync('promtool', ['check', 'metrics'], { input: await (await get('/metrics')).text() });
  },
);

test.each([
  ['no HTTP at all', 'hello\r\n\r\n', 400],
  ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ['a bad length', 'POST /v1/crossmatch HTTP/1.1\r\nhost: x\r\ncontent-length: 12z\r\n\r\n', 400],
  [
    'two lengths',
    'POST /v1/crossmatch HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
    400,
  ],
  ['a version that there is not', 'GET / HTTP/7.3\r\nhost: x\r\n\r\n', 400],
  ['a header without a name', 'GET / HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n', 400],
])('%s is answered and the connection closed', async (_what, text, status) => {
  const { socket, answer } = openRaw(subject.url);
  socket.write(text);
  const { head, body } = await answer;
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(JSON.parse(body.toString())).toMatchObject({ status, reason: 'REQUEST_INVALID' });
});

test.each([
  ['no host', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400, 'REQUEST_INVALID'],
  [
    'an upload without host',
    'POST /v1/crossmatch HTTP/1.1\r\ncontent-length: 9\r\n\r\nra,dec\n1,',
    400,
    'REQUEST_INVALID',
  ],
  ['a tunnel', 'CONNECT other:443 HTTP/1.1\r\nhost: other\r\n\r\n', 405, 'METHOD_NOT_ALLOWED'],
])('%s is refused with a problem', async (_what, text, status, reason) => {
  const { socket, answer } = openRaw(subject.url);
  socket.write(text);
  socket.end();
  const { head, body } = await answer;
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(JSON.parse(body.toString())).toMatchObject({ status, reason });
});

test.each([
  ['HTTP/1.0 needs no host', 'GET /healthz HTTP/1.0\r\n\r\n'],
  [
    'an expectation that nobody knows is let be',
    'GET /healthz HTTP/1.1\r\nhost: x\r\nexpect: more\r\nconnection: close\r\n\r\n',
  ],
])('%s', async (_what, text) => {
  const { socket, answer } = openRaw(subject.url);
  socket.write(text);
  expect((await answer).head).toMatch(/^HTTP\/1\.1 200 /);
});

import { startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';
import { FAKE_PAGE } from '../testing/fake-runtime.js';

let subject: UnderTest;
beforeAll(async () => (subject = await startUnderTest()));
afterAll(() => subject[Symbol.asyncDispose]());

const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${subject.url}${path}`, init);
const json = async (path: string): Promise<Record<string, unknown>> =>
  (await (await get(path)).json()) as Record<string, unknown>;

test('the status is that of the service, with names as in the contract', async () => {
  expect(await json('/v1/runtime/status')).toMatchObject({
    start_time: '1970-01-01T00:00:00.000Z',
    devices: [{ id: 'wasm:2', owner: 'process 1', absent_reason: '' }],
    workers: { worker_count: 2, finished_item_count: 7 },
    memory: [{ device: 'host', used_bytes: 1, reserved_bytes: 2, budget_bytes: 4, pressure_level: 'low' }],
    profiler: { enabled: true },
  });
});

test('decisions come page by page, of one operation where that is asked for', async () => {
  const first = await json('/v1/runtime/decisions?page_size=2&operation=gpu.matmul');
  expect(first).toMatchObject({
    decisions: [{ id: 3, create_time: '1970-01-01T00:00:03.000Z', actual_ms: 3 }, { id: 2 }],
  });
  const token = String(first.next_page_token);
  expect(await json(`/v1/runtime/decisions?page_size=2&page_token=${token}`)).toMatchObject({
    decisions: [{ id: 1, refused: [{ device: 'onnxruntime', reason: 'no-backend' }] }],
    next_page_token: '',
  });
});

test('a decision is explained by size or by work and bytes', async () => {
  const bySize = await json('/v1/runtime/explain?operation=gpu.matmul&size=1024');
  expect(bySize).toMatchObject({ decision: { chosen: 'wasm:2', work: 1024, dtype: 'f32' }, text: '1024' });
  const byWork = await json('/v1/runtime/explain?operation=gpu.matmul&dtype=f64&work=1e9&input_bytes=8');
  expect(byWork).toMatchObject({ decision: { work: 1e9, dtype: 'f64' } });
  expect(JSON.parse(byWork.text as string)).toEqual({ work: 1e9, bytesIn: 8, bytesOut: 0 });
});

test.each([
  ['/v1/runtime/status?verbose=1', 400, 'OPTION_UNKNOWN'],
  ['/v1/runtime/decisions?page_size=0', 400, 'OPTION_INVALID'],
  ['/v1/runtime/decisions?page_size=1001', 400, 'OPTION_INVALID'],
  ['/v1/runtime/decisions?page_token=abc', 400, 'OPTION_INVALID'],
  ['/v1/runtime/decisions?operation=gpu.none', 404, 'OPERATION_UNKNOWN'],
  ['/v1/runtime/explain', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.matmul', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.matmul&size=0', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.matmul&work=-1', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.matmul&work=1e300', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.matmul&size=8&work=1', 400, 'OPTIONS_CONFLICT'],
  ['/v1/runtime/explain?operation=gpu.matmul&size=8&dtype=u8', 400, 'OPTION_INVALID'],
  ['/v1/runtime/explain?operation=gpu.none&size=8', 404, 'OPERATION_UNKNOWN'],
  ['/v1/runtime/profile?format=xml', 400, 'OPTION_INVALID'],
  ['/v1/runtime/profile?page=1', 400, 'OPTION_UNKNOWN'],
  ['/dashboard?refresh=0', 400, 'OPTION_INVALID'],
])('%s is answered with %i, %s', async (path, status, reason) => {
  const response = await get(path);
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = (await response.json()) as { detail: string };
  expect(problem).toMatchObject({ reason });
  if (reason === 'OPTION_UNKNOWN') expect(problem.detail).toMatch(/known are \w/);
});

test.each(['json', 'chrome-trace', 'pprof', 'speedscope'])('a profile as %s', async (format) => {
  const response = await get(`/v1/runtime/profile?format=${format}`, { headers: { 'x-request-id': `p-${format}` } });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': `test/${format}`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': `p-${format}`,
  });
  expect(await response.json()).toBe(format);
});

test('the page is the same, whole, as a profile; the dashboard adds how it is loaded again', async () => {
  expect(await (await get('/v1/runtime/profile?format=html')).text()).toBe(FAKE_PAGE);
  const dashboard = await get('/dashboard');
  expect(dashboard.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(dashboard.headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
  expect(dashboard.headers.get('refresh')).toBeNull();
  const page = await dashboard.text();
  const [control] = /<nav id="live".*<\/nav>/.exec(page) ?? [''];
  expect(control).toContain('href="/dashboard?refresh=5"');
  expect(page.replace(`\n${control}`, '')).toBe(FAKE_PAGE);

  const again = await get('/dashboard?refresh=7');
  expect(again.headers.get('refresh')).toBe('7');
  expect(await again.text()).toContain('<strong aria-current="true">every 7 s</strong>');
});

test.each(['/v1/runtime/status', '/v1/runtime/profile', '/dashboard'])(
  'HEAD %s has the headers of GET',
  async (path) => {
    const [head, whole] = [await get(path, { method: 'HEAD' }), await get(path)];
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-type')).toBe(whole.headers.get('content-type'));
    await whole.arrayBuffer();
  },
);

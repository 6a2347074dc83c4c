import { CostModel } from './cost-model.js';
import { formatMs, renderDecision, renderRouter } from './render.js';
import { Router } from './router.js';
import { viewRouter } from './router-view.js';
import { requestOf } from './size.js';

function known(): Router {
  const devices = [{ id: 'typescript' }, { id: 'webgpu:0', memory: 'webgpu:0' }, { id: 'webgpu:1', software: true }];
  const router = new Router({ devices, environment: '', now: () => 0 });
  const install = (id: string, launchMs: number, msPerWork: number): void =>
    router.install('gpu.matmul', 'f32', id, new CostModel({ launchMs, msPerWork, msPerByte: 1e-7 }, 'calibrated'));
  install('typescript', 0.001, 1e-6);
  install('webgpu:0', 0.5, 1e-9);
  return router;
}

const REQUEST = requestOf('gpu.matmul', 'f32', { work: 2e9, bytesIn: 8e6, bytesOut: 4e6 });

test('explain: what was chosen and why, each device with its terms, where they are even', () => {
  expect(renderDecision(known().explain(REQUEST)).split('\n')).toEqual([
    'gpu.matmul f32, work 2.00e+9: webgpu:0',
    '  earliest predicted finish; confidence 100 %, model 3',
    expect.stringMatching(/^ {4}device +predicted +launch +compute +transfer +queue +samples$/),
    expect.stringMatching(/^ {4}typescript +2\.00 s +1 us +2\.00 s +0 \(0 B\) +0 +0, calibrated$/),
    expect.stringMatching(/^ {2}\* webgpu:0 +3\.70 ms +500 us +2\.00 ms +1\.20 ms \(11\.4 MiB\) +0 +0, calibrated$/),
    expect.stringMatching(/^ {4}webgpu:1 .* software$/),
    expect.stringMatching(/^ {2}even with the next best device at work 5\.0\de\+5$/),
    '',
  ]);
});

test('explain: devices without a backend are named', () => {
  expect(renderDecision(known().explain({ ...REQUEST, devices: ['typescript'] }))).toMatch(
    /no other device may do it[^]*webgpu:0: not possible \(no-backend\)[^]*at no size/,
  );
});

test('show: models, borders between devices, and the calls so far; the view is plain data', () => {
  const router = known();
  router.finish(router.decide(REQUEST), 4);
  const view = viewRouter(router, {
    'gpu.matmul': { sizeOf: (n) => ({ work: 2 * n ** 3, bytesIn: 8 * n * n, bytesOut: 4 * n * n }), largest: 4096 },
  });
  expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  const text = renderRouter(view);
  expect(text).toMatch(/gpu\.matmul f32 \(model 3\)/);
  expect(text).toMatch(/operands on the host: typescript, webgpu:0 from \d+/);
  expect(text).toMatch(/gpu\.matmul +1 +4\.00 ms +3\.70 ms +1\.081/);
});

test('show: an empty router says so', () => {
  const router = new Router({ devices: [{ id: 'typescript' }], environment: '' });
  expect(renderRouter(viewRouter(router))).toBe('No operation was measured or asked for yet.\n');
});

test.each([
  [0, '0'],
  [0.000012, '0.012 us'],
  [0.0123, '12.3 us'],
  [0.9999, '1.00 ms'],
  [12.34, '12.3 ms'],
  [999.7, '1.00 s'],
  [61_000, '61.0 s'],
])('%d ms is written %s', (ms, text) => expect(formatMs(ms)).toBe(text));

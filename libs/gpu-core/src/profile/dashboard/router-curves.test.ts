import { CostModel } from '../../router/cost-model.js';
import { Router } from '../../router/router.js';
import { crossoverCurves } from './router-curves.js';

test('a router gives its curves and borders, without its queues', () => {
  const devices = [{ id: 'wasm:2' }, { id: 'webgpu:0', memory: 'webgpu:0' }];
  const router = new Router({ devices, environment: '', now: () => 0, availableBytes: () => 1e9 });
  router.install(
    'gpu.square',
    'f32',
    'wasm:2',
    new CostModel({ launchMs: 0.01, msPerWork: 1e-6, msPerByte: 0 }, 'calibrated'),
  );
  router.install(
    'gpu.square',
    'f32',
    'webgpu:0',
    new CostModel({ launchMs: 1, msPerWork: 1e-8, msPerByte: 0 }, 'calibrated'),
  );
  const sizes = {
    'gpu.square': { sizeOf: (n: number) => ({ work: n, bytesIn: 4 * n, bytesOut: 4 * n }), largest: 1e8 },
  };
  const [idle] = crossoverCurves(router, sizes);
  expect([idle.op, idle.unit, idle.sizes[0], idle.sizes.at(-1)]).toEqual(['gpu.square (f32)', 'n', 1, 1e8]);
  expect(idle.backends.map(({ name }) => name)).toEqual(['wasm:2', 'webgpu:0']);
  idle.sizes.forEach((n, i) => {
    expect(idle.backends[0].predictedMs[i]! / (0.01 + n * 1e-6)).toBeCloseTo(1, 6);
    expect(idle.backends[1].predictedMs[i]! / (1 + n * 1e-8)).toBeCloseTo(1, 6);
  });
  // 0.01 + 1e-6 n = 1 + 1e-8 n
  expect(idle.crossoverSizes).toHaveLength(1);
  expect(idle.crossoverSizes[0]).toBeCloseTo(1e6, -2);
  const decision = router.decide({ operation: 'gpu.square', dtype: 'f32', work: 1e6, operands: [], bytesOut: 0 });
  router.start(decision);
  expect(crossoverCurves(router, sizes)).toEqual([idle]);
});

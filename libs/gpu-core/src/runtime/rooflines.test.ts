import { CostModel } from '../router/cost-model.js';
import { Router } from '../router/router.js';
import { rooflinesOf } from './rooflines.js';

test('a roof is what calls have reached; what was not measured has none', () => {
  const router = new Router({
    devices: [{ id: 'typescript' }, { id: 'wasm:2' }, { id: 'webgpu:0', memory: 'webgpu:0' }],
    environment: '',
  });
  expect(rooflinesOf(router)).toEqual([]);
  const install = (operation: string, dtype: string, device: string, workPerMs: number): void =>
    router.install(
      operation,
      dtype,
      device,
      new CostModel({ launchMs: 0.1, msPerWork: 1 / workPerMs, msPerByte: 1e-6 }, 'calibrated'),
    );
  install('gpu.matmul', 'f32', 'typescript', 5e6);
  install('gpu.matmul', 'f32', 'wasm:2', 6e7);
  install('gpu.xor', 'u8', 'typescript', 3e6);
  install('gpu.matmul', 'f32', 'webgpu:0', 1e10);
  const cpu = { device: 'cpu', peakGflopPerS: expect.closeTo(60, 6), peakGbPerS: expect.closeTo(9, 6) };
  expect(rooflinesOf(router)).toEqual([cpu]);
  install('gpu.xor', 'u8', 'webgpu:0', 1e9);
  expect(rooflinesOf(router)).toEqual([
    cpu,
    { device: 'webgpu:0', peakGflopPerS: expect.closeTo(1e4, 4), peakGbPerS: expect.closeTo(3e3, 4) },
  ]);
});

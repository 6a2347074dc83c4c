import type { Roofline } from '../profile/roofline.js';
import type { Router } from '../router/router.js';

/** A byte of an xor reads two and writes one. */
const XOR_BYTES = 3;

/**
 * What devices reach, as the router's models have it from measured calls: flops of gpu.matmul in f32, bytes of gpu.xor; "cpu"
 * is the best of those on the host's cores. A device of which either was not measured has no roofline.
 */
export function rooflinesOf(router: Router): Roofline[] {
  const perMs = (operation: string, dtype: string, index: number): number => {
    const state = router.operations().find((one) => one.operation === operation && one.dtype === dtype);
    const model = state?.models[index];
    return model === undefined || model.source === 'prior' ? NaN : 1 / model.terms.msPerWork;
  };
  const roofs = new Map<string, Roofline>();
  router.devices.forEach(({ id, memory }, i) => {
    const device = memory === 'host' ? 'cpu' : id;
    const [gflopPerS, gbPerS] = [perMs('gpu.matmul', 'f32', i) / 1e6, (XOR_BYTES * perMs('gpu.xor', 'u8', i)) / 1e6];
    const before = roofs.get(device);
    const best = (a: number, b = NaN): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b));
    roofs.set(device, {
      device,
      peakGflopPerS: best(gflopPerS, before?.peakGflopPerS),
      peakGbPerS: best(gbPerS, before?.peakGbPerS),
    });
  });
  return [...roofs.values()].filter(({ peakGflopPerS, peakGbPerS }) => peakGflopPerS > 0 && peakGbPerS > 0);
}

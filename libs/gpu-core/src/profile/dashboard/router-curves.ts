import { isProblem } from '@armilla/base';
import { type CrossoverOptions, elementwiseSize } from '../../router/crossover.js';
import type { Router } from '../../router/router.js';
import { requestOf } from '../../router/size.js';
import type { CrossoverCurves } from './extra.js';

const POINTS = 41;

/**
 * What a router expects of each operation that it knows, without what waits in its queues: operands on the host. `sizes`, by
 * operation, says how n gives a size and which devices have a backend; without, n is the work, and all have one.
 */
export function crossoverCurves(
  router: Pick<Router, 'devices' | 'operations' | 'crossover' | 'explain'>,
  sizes: Readonly<Record<string, CrossoverOptions>> = {},
): CrossoverCurves[] {
  return router.operations().map(({ operation, dtype }) => {
    const options = sizes[operation] ?? {};
    const { sizeOf = elementwiseSize, smallest = 1, largest = 2 ** 30 } = options;
    const steps = Array.from({ length: POINTS }, (_, i) => smallest * (largest / smallest) ** (i / (POINTS - 1)));
    const points = [...new Set(steps.map(Math.round))];
    const devices = options.devices?.(dtype) ?? router.devices.map(({ id }) => id);
    const expected = points.map((n) => {
      try {
        return router.explain({ ...requestOf(operation, dtype, sizeOf(n)), devices }).predictions;
      } catch (error) {
        // No device can take a call of this size: its point stays empty.
        if (isProblem(error)) return [];
        throw error;
      }
    });
    const ranges = router.crossover(operation, dtype, 'host', options);
    return {
      op: `${operation} (${dtype})`,
      unit: options.sizeOf === undefined ? 'elementary steps' : 'n',
      sizes: points,
      backends: devices.map((id) => ({
        name: id,
        predictedMs: expected.map((predictions) => {
          const terms = predictions.find(({ device }) => device === id)?.terms;
          return terms === undefined ? null : terms.launchMs + terms.computeMs + terms.transferMs;
        }),
      })),
      crossoverSizes: ranges.slice(1).map(({ from }) => from),
    };
  });
}

import { Random } from '@armilla/base';
import { crossmatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { uniformSky } from '@armilla/sky';
import { median } from '../measure.js';
import { memoryTable } from '../memory-table.js';

export interface KernelShare {
  readonly rows: number;
  readonly repeats: number;
  readonly onMedianMs: number;
  readonly offMedianMs: number;
  /** Median of the ratios on / off of neighbouring runs. */
  readonly onByOff: number;
  /** Middle half of those ratios: what this machine can tell apart. */
  readonly onByOffQuartiles: readonly [number, number];
  readonly spansPerCrossmatch: number;
  /** Spans times the cost of a span, by the fastest run without the profiler. */
  readonly accountedShare: number;
}

/** One crossmatch after the other, with the profiler and without in turns, on the same tables. */
export async function runKernelShare(nsPerSpan: number, { quick = false } = {}): Promise<KernelShare> {
  const rows = quick ? 100_000 : 1_000_000;
  const repeats = quick ? 5 : 41;
  const { left, right } = uniformSky(new Random(1), rows);
  const tables = [memoryTable('left', left), memoryTable('right', right)] as const;
  await using runtime = await Runtime.create();
  const { profiler } = runtime;
  const match = async (enabled: boolean): Promise<number> => {
    profiler.enabled = enabled;
    const start = performance.now();
    const options = { radiusArcsec: 3, columns: ['left_row', 'right_row', 'separation_arcsec'] };
    for await (const batch of await crossmatch(...tables, options, { runtime })) void batch.numRows;
    return performance.now() - start;
  };
  for (let i = 0; i < 3; i++) await match(true);
  const countBefore = spanCount(runtime);
  await match(true);
  const spansPerCrossmatch = spanCount(runtime) - countBefore;
  const on: number[] = [];
  const off: number[] = [];
  for (let i = 0; i < repeats; i++) {
    // Who goes first changes: drifts of the machine cancel.
    for (const enabled of i % 2 === 0 ? [true, false] : [false, true]) (enabled ? on : off).push(await match(enabled));
  }
  const ratios = on.map((ms, i) => ms / off[i]).sort((a, b) => a - b);
  return {
    rows,
    repeats,
    onMedianMs: median(on),
    offMedianMs: median(off),
    onByOff: median(ratios),
    onByOffQuartiles: [ratios[Math.floor(repeats / 4)], ratios[Math.floor((3 * repeats) / 4)]],
    spansPerCrossmatch,
    accountedShare: (spansPerCrossmatch * nsPerSpan) / 1e6 / Math.min(...off),
  };
}

function spanCount({ profiler }: Runtime): number {
  return profiler.profile().totals.reduce((count, total) => count + total.count, 0);
}

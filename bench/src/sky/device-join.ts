import { Random } from '@armilla/base';
import { type Device, Runtime } from '@armilla/gpu-core';
import { clusteredPlane, type PairQuery, SkyIndex, uniformSky } from '@armilla/sky';
import { median } from '../measure.js';

export interface DeviceJoinCase {
  readonly sky: 'uniform' | 'plane';
  readonly rows: number;
  readonly radiusArcsec: number;
  readonly find: PairQuery['find'];
}

/** Times of one case, milliseconds; the index is there before. */
export interface DeviceJoinResult {
  readonly case: string;
  readonly device: string;
  readonly pairs: number;
  /** Bringing the right rows to the device, once. */
  readonly placing_ms: number;
  readonly device_min_ms: number;
  readonly device_median_ms: number;
  readonly cpu_min_ms: number;
  readonly cpu_median_ms: number;
  /** CPU by device, medians. */
  readonly ratio: number;
  readonly same_pairs: boolean;
  readonly repeats: number;
}

export function deviceJoinCases(quick: boolean): DeviceJoinCase[] {
  const cases: DeviceJoinCase[] = [];
  for (const rows of quick ? [10_000] : [100_000, 1_000_000]) {
    for (const sky of ['uniform', 'plane'] as const) {
      cases.push({ sky, rows, radiusArcsec: 3, find: 'nearest' }, { sky, rows, radiusArcsec: 3, find: 'all' });
      cases.push({ sky, rows, radiusArcsec: 648_000, find: 'nearest' });
    }
  }
  return cases;
}

/** The same left rows against the same index, by turns. */
export async function runDeviceJoin(device: Device, one: DeviceJoinCase, quick: boolean): Promise<DeviceJoinResult> {
  const { sky, rows, radiusArcsec, find } = one;
  const repeats = quick ? 2 : 7;
  const make = sky === 'uniform' ? uniformSky : clusteredPlane;
  const query: PairQuery = { find, radiusArcsec, minRadiusArcsec: 0, k: 1, order: 'left' };
  await using runtime = await Runtime.create();
  const { left, right } = make(new Random(1), rows);
  await using index = await SkyIndex.build(runtime, [right], { rowCount: rows });
  const placingStart = performance.now();
  await index.bringTo(device);
  const placingMs = performance.now() - placingStart;
  const times = { device: [] as number[], cpu: [] as number[] };
  let pairs = 0;
  let same = true;
  for (let repeat = -1; repeat < repeats; repeat++) {
    const start = performance.now();
    const byDevice = await index.matchOn(device, left, query);
    const middle = performance.now();
    const byCpu = await index.match(left, query);
    if (repeat >= 0) {
      times.device.push(middle - start);
      times.cpu.push(performance.now() - middle);
    }
    pairs = byCpu.pairCount;
    same &&= byDevice.right.every((row, i) => row === byCpu.right[i]) && byDevice.pairCount === pairs;
  }
  return {
    case: `join ${sky} ${rows / 1e6}M r=${radiusArcsec} ${find}`,
    device: device.info.name,
    pairs,
    placing_ms: placingMs,
    device_min_ms: Math.min(...times.device),
    device_median_ms: median(times.device),
    cpu_min_ms: Math.min(...times.cpu),
    cpu_median_ms: median(times.cpu),
    ratio: median(times.cpu) / median(times.device),
    same_pairs: same,
    repeats,
  };
}

export function deviceJoinLines(result: DeviceJoinResult): string[] {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    `${result.case}: ${result.pairs} pairs, ${result.same_pairs ? 'the same on both' : 'NOT THE SAME'}`,
    `  ${result.device.padEnd(32)} min ${ms(result.device_min_ms)}  median ${ms(result.device_median_ms)}  (right rows once: ${ms(result.placing_ms)})`,
    `  ${'CPU'.padEnd(32)} min ${ms(result.cpu_min_ms)}  median ${ms(result.cpu_median_ms)}  (${result.repeats} runs)`,
    `  CPU / device: ${result.ratio.toFixed(2)}`,
  ];
}

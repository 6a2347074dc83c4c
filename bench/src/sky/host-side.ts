import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { clusteredPlane, type PairQuery, SkyIndex, uniformSky } from '@armilla/sky';
import { median } from '../measure.js';
import type { DeviceJoinCase } from './device-join.js';
import { StandIn } from './stand-in.js';

/** Times of one case, milliseconds, by turns against the same index. */
export interface HostSideResult {
  readonly case: string;
  /** Laying out the right rows, once. */
  readonly placing_ms: number;
  /** The host's side of a match on a device. */
  readonly host_min_ms: number;
  readonly host_median_ms: number;
  /** The whole match on the CPU. */
  readonly cpu_min_ms: number;
  readonly cpu_median_ms: number;
  readonly repeats: number;
}

/** What the host does for a match on a device, with a stand-in for the device. */
export async function runHostSide(one: DeviceJoinCase, quick: boolean): Promise<HostSideResult> {
  const { sky, rows, radiusArcsec, find } = one;
  const repeats = quick ? 2 : 15;
  const make = sky === 'uniform' ? uniformSky : clusteredPlane;
  const query: PairQuery = { find, radiusArcsec, minRadiusArcsec: 0, k: 1, order: 'left' };
  await using runtime = await Runtime.create();
  const { left, right } = make(new Random(1), rows);
  await using index = await SkyIndex.build(runtime, [right], { rowCount: rows });
  const standIn = new StandIn();
  const placingStart = performance.now();
  await index.bringTo(standIn.device);
  const placingMs = performance.now() - placingStart;
  const times = { host: [] as number[], cpu: [] as number[] };
  for (let repeat = -1; repeat < repeats; repeat++) {
    standIn.ownMs = 0;
    const start = performance.now();
    await index.matchOn(standIn.device, left, query);
    const middle = performance.now();
    await index.match(left, query);
    if (repeat < 0) continue;
    times.host.push(middle - start - standIn.ownMs);
    times.cpu.push(performance.now() - middle);
  }
  return {
    case: `join ${sky} ${rows / 1e6}M r=${radiusArcsec} ${find}`,
    placing_ms: placingMs,
    host_min_ms: Math.min(...times.host),
    host_median_ms: median(times.host),
    cpu_min_ms: Math.min(...times.cpu),
    cpu_median_ms: median(times.cpu),
    repeats,
  };
}

export function hostSideLines(result: HostSideResult): string[] {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    `${result.case}`,
    `  host beside a device  min ${ms(result.host_min_ms)}  median ${ms(result.host_median_ms)}  (right rows once: ${ms(result.placing_ms)})`,
    `  CPU alone             min ${ms(result.cpu_min_ms)}  median ${ms(result.cpu_median_ms)}  (${result.repeats} runs)`,
  ];
}

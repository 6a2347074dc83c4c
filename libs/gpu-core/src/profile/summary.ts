import type { OpTotals, Profile } from './profile.js';
import { endNs } from './profile.js';
import { type Rates, ratesOf, type Roofline } from './roofline.js';
import { deviation, quantile } from './statistics.js';

/** One operation on one device. */
export interface OpSummary extends Rates {
  readonly op: string;
  readonly device: string;
  /** Ended spans since the profiler's start; sums, mean, extremes and deviation are over all of them. */
  readonly count: number;
  readonly totalNs: number;
  readonly meanNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly stdNs: number;
  /** Ended spans that the ring still holds; percentiles are over these. */
  readonly heldCount: number;
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
  readonly queueNs: number;
  readonly uploadNs: number;
  readonly kernelNs: number;
  readonly readbackNs: number;
  readonly overheadNs: number;
  readonly bytes: number;
  readonly flops: number;
}

/** Every operation on every device, the most time first. Rates are over the time of kernels where it is known, else over all. */
export function summarise(profile: Profile, rooflines: readonly Roofline[] = []): OpSummary[] {
  const durations = durationsByOp(profile);
  return profile.totals
    .map((totals) => {
      const device = profile.devices[totals.device];
      const held = durations.get(opKey(totals.op, totals.device)) ?? new Float64Array(0);
      const workNs = totals.kernelNs > 0 ? totals.kernelNs : totals.totalNs;
      const { op: _op, device: _device, squaresNs2, ...sums } = totals;
      return {
        op: profile.ops[totals.op],
        device,
        ...sums,
        meanNs: totals.totalNs / totals.count,
        stdNs: deviation(totals.count, squaresNs2),
        heldCount: held.length,
        p50Ns: quantile(held, 0.5),
        p95Ns: quantile(held, 0.95),
        p99Ns: quantile(held, 0.99),
        ...ratesOf(
          totals.bytes,
          totals.flops,
          workNs,
          rooflines.find((roof) => roof.device === device),
        ),
      };
    })
    .sort((a, b) => b.totalNs - a.totalNs);
}

/** Ascending durations of ended spans, ns, by `opKey`. */
export function durationsByOp(profile: Profile): Map<string, Float64Array> {
  const { op, device, startNs } = profile.spans;
  const lists = new Map<string, number[]>();
  for (let i = 0; i < op.length; i++) {
    if (Number.isNaN(profile.spans.endNs[i])) continue;
    const key = opKey(op[i], device[i]);
    const list = lists.get(key);
    const durationNs = endNs(profile, i) - startNs[i];
    if (list === undefined) lists.set(key, [durationNs]);
    else list.push(durationNs);
  }
  return new Map([...lists].map(([key, list]) => [key, Float64Array.from(list).sort()]));
}

export function opKey(op: number, device: number): string {
  return `${op}/${device}`;
}

/** Sums of the parts over all operations. */
export function splitTime(
  totals: readonly OpTotals[],
): Record<'queue' | 'upload' | 'kernel' | 'readback' | 'overhead', number> {
  const sum = (part: (row: OpTotals) => number): number => totals.reduce((all, row) => all + part(row), 0);
  return {
    queue: sum((row) => row.queueNs),
    upload: sum((row) => row.uploadNs),
    kernel: sum((row) => row.kernelNs),
    readback: sum((row) => row.readbackNs),
    overhead: sum((row) => row.overheadNs),
  };
}

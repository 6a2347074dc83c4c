import type { Profile } from './profile.js';
import { bootstrapMedianRatio, mannWhitneyP, median } from './statistics.js';
import { durationsByOp } from './summary.js';

export interface CompareOptions {
  /** Uniform in [0, 1), seeded by the caller. */
  readonly random: () => number;
  /** A ratio of medians within 1 / (1 + tolerance) … 1 + tolerance is no difference. 0.05 by default. */
  readonly tolerance?: number;
  /** Probability that the interval holds the ratio, and that no verdict of the whole comparison is by chance. 0.95 by default. */
  readonly level?: number;
  readonly resampleCount?: number;
  /** Fewer spans of an operation on either side give no verdict. 8 by default. */
  readonly minCount?: number;
}

export type Verdict = 'faster' | 'slower' | 'same' | 'unclear' | 'added' | 'removed';

export interface OpComparison {
  readonly op: string;
  readonly device: string;
  readonly countA: number;
  readonly countB: number;
  readonly medianANs: number;
  readonly medianBNs: number;
  /** Median of b to that of a: above 1 is slower. */
  readonly ratio: number;
  readonly ratioLow: number;
  readonly ratioHigh: number;
  /** Mann-Whitney, corrected for the number of operations (Holm 1979). */
  readonly pValue: number;
  readonly verdict: Verdict;
}

/** More would sharpen the interval little and cost much. */
const SAMPLE_LIMIT = 1000;

/** Operations of two runs by name and device, the largest change first. */
export function compareProfiles(a: Profile, b: Profile, options: CompareOptions): OpComparison[] {
  const { random, tolerance = 0.05, level = 0.95, resampleCount = 1000, minCount = 8 } = options;
  const inA = samplesByName(a);
  const inB = samplesByName(b);
  const keys = [...new Set([...inA.keys(), ...inB.keys()])].sort();
  const rows = keys.map((key) => {
    const left = inA.get(key)?.durations ?? new Float64Array(0);
    const right = inB.get(key)?.durations ?? new Float64Array(0);
    const { op, device } = (inA.get(key) ?? inB.get(key))!;
    const enough = left.length >= minCount && right.length >= minCount;
    const [ratioLow, ratioHigh] = enough
      ? bootstrapMedianRatio(left, right, { resampleCount, level, random })
      : [NaN, NaN];
    const medianANs = median(left);
    const medianBNs = median(right);
    return {
      op,
      device,
      countA: left.length,
      countB: right.length,
      medianANs,
      medianBNs,
      ratio: medianBNs / medianANs,
      ratioLow,
      ratioHigh,
      pValue: enough ? mannWhitneyP(left, right) : NaN,
    };
  });
  const corrected = holm(rows.map((row) => row.pValue));
  return rows
    .map((row, i) => ({ ...row, pValue: corrected[i] }))
    .map((row) => ({ ...row, verdict: verdictOf(row, tolerance, 1 - level) }))
    .sort((x, y) => changeOf(y) - changeOf(x));
}

function verdictOf(row: Omit<OpComparison, 'verdict'>, tolerance: number, alpha: number): Verdict {
  if (row.countA === 0) return 'added';
  if (row.countB === 0) return 'removed';
  if (row.ratioLow > 1 + tolerance && row.pValue < alpha) return 'slower';
  if (row.ratioHigh < 1 / (1 + tolerance) && row.pValue < alpha) return 'faster';
  if (row.ratioLow >= 1 / (1 + tolerance) && row.ratioHigh <= 1 + tolerance) return 'same';
  return 'unclear';
}

function samplesByName(profile: Profile): Map<string, { op: string; device: string; durations: Float64Array }> {
  const samples = new Map<string, { op: string; device: string; durations: Float64Array }>();
  for (const [key, durations] of durationsByOp(profile)) {
    const [op, device] = key.split('/').map(Number);
    const names = { op: profile.ops[op], device: profile.devices[device] };
    samples.set(JSON.stringify(names), { ...names, durations: thinned(durations) });
  }
  return samples;
}

/** Values at even distances of an ascending list: the same quantiles with fewer values. */
function thinned(ascending: Float64Array): Float64Array {
  if (ascending.length <= SAMPLE_LIMIT) return ascending;
  const step = (ascending.length - 1) / (SAMPLE_LIMIT - 1);
  return Float64Array.from({ length: SAMPLE_LIMIT }, (_, i) => ascending[Math.round(i * step)]);
}

/** Holm's step-down correction; NaN stays NaN and does not count. */
function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).filter((i) => !Number.isNaN(pValues[i]));
  order.sort((a, b) => pValues[a] - pValues[b]);
  const corrected = pValues.map(() => NaN);
  let largest = 0;
  order.forEach((i, rank) => {
    largest = Math.max(largest, Math.min(1, pValues[i] * (order.length - rank)));
    corrected[i] = largest;
  });
  return corrected;
}

function changeOf(row: OpComparison): number {
  const change = Math.abs(Math.log(row.ratio));
  return Number.isFinite(change) ? change : -1;
}

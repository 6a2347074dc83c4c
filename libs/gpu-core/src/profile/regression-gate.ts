import { Random } from '@armilla/base';
import { compareProfiles, type CompareOptions, type OpComparison } from './compare.js';
import type { Profile } from './profile.js';

export interface GateResult {
  /** 'inconclusive': nothing is proved slower, and of some operation nothing is proved at all. */
  readonly verdict: 'passed' | 'regressed' | 'inconclusive';
  /** For a process that guards a build: 0, or 1 where something became slower. */
  readonly exitCode: 0 | 1;
  readonly comparisons: readonly OpComparison[];
  /** A sentence for each operation that became slower or is unclear. */
  readonly messages: readonly string[];
}

/** Holds a run against an earlier one; the same two give the same verdict. */
export function regressionGate(before: Profile, after: Profile, options: Partial<CompareOptions> = {}): GateResult {
  const random = new Random(1);
  const comparisons = compareProfiles(before, after, { random: () => random.uniform(), ...options });
  const slower = comparisons.filter((row) => row.verdict === 'slower');
  const unclear = comparisons.filter((row) => row.verdict === 'unclear');
  return {
    verdict: slower.length > 0 ? 'regressed' : unclear.length > 0 ? 'inconclusive' : 'passed',
    exitCode: slower.length > 0 ? 1 : 0,
    comparisons,
    messages: [...slower, ...unclear].map(sentenceOf),
  };
}

function sentenceOf(row: OpComparison): string {
  const name = `${row.op} on ${row.device}`;
  if (!Number.isFinite(row.ratio)) return `${name}: a median of 0 has no ratio to another`;
  if (!(row.ratioHigh < Infinity)) {
    return `${name}: ${row.countA} and ${row.countB} spans are too few for a verdict`;
  }
  const interval = `${row.ratio.toFixed(2)} times the median (${row.ratioLow.toFixed(2)} to ${row.ratioHigh.toFixed(2)})`;
  return row.verdict === 'slower'
    ? `${name} became slower: ${interval}`
    : `${name} is unclear: ${interval}; measure longer`;
}

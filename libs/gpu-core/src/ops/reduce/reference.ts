import type { Floats } from '../host/operand.js';

export type ReduceName = 'sum' | 'max' | 'min' | 'mean';

/** The sum with what each rounding lost added at the end (Neumaier 1974); NaN and infinities as in a plain sum. */
export function referenceSum(values: Floats): number {
  let sum = 0;
  let lost = 0;
  for (const value of values) {
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return Number.isFinite(sum) ? sum + lost : sum;
}

/** NaN where a value is; +0 above -0. */
export function referenceExtreme(values: Floats, largest: boolean): number {
  let best = values[0];
  for (const value of values) best = largest ? Math.max(best, value) : Math.min(best, value);
  return best;
}

import type { OpSize, SizeOf } from './size.js';

/** Where operands lie and results are wanted: on the host, or on whichever device computes. */
export type Residency = 'host' | 'device';

/** A range of sizes that one device is predicted to win. */
export interface CrossoverRange {
  readonly device: string;
  /** First and last size (n of the operation's size function, or work). */
  readonly from: number;
  readonly to: number;
}

export interface CrossoverOptions {
  /** Size of a call for n; default: n is the work, and 8 bytes are read and 4 written for each step. */
  readonly sizeOf?: SizeOf;
  /** Range of n, integers >= 1; default 1 to 2^30. */
  readonly smallest?: number;
  readonly largest?: number;
  /** Ids of the devices that have a backend, by type of the elements; default all. */
  readonly devices?: (dtype: string) => readonly string[];
}

/** Work as n. */
export const elementwiseSize: SizeOf = (n: number): OpSize => ({ work: n, bytesIn: 8 * n, bytesOut: 4 * n });

/** Points of the search on each octave; the border between two is found by bisection. */
const POINTS_PER_OCTAVE = 4;

/** Ranges of n by the fastest device; `fastest(n)` names it. Neighbouring ranges have different devices. */
export function crossoverRanges(fastest: (n: number) => string, smallest: number, largest: number): CrossoverRange[] {
  const ranges: CrossoverRange[] = [];
  let from = smallest;
  let last = smallest;
  let device = fastest(smallest);
  while (last < largest) {
    const next = Math.min(largest, Math.max(last + 1, Math.round(last * 2 ** (1 / POINTS_PER_OCTAVE))));
    const nextDevice = fastest(next);
    if (nextDevice !== device) {
      // Least n beyond `last` at which `device` does not win.
      let low = last;
      let high = next;
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2);
        if (fastest(middle) === device) low = middle;
        else high = middle;
      }
      ranges.push({ device, from, to: low });
      from = high;
      device = fastest(high);
      last = high;
    } else last = next;
  }
  ranges.push({ device, from, to: largest });
  return ranges;
}

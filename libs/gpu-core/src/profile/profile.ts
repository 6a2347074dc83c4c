import type { SpanColumn } from './record.js';

/** What a profiler held at one moment: plain data, of the same shape whether it was taken here or read from a file. */
export interface Profile {
  /** Free text: which run this was. */
  readonly label: string;
  /** Machine in words, or empty. */
  readonly machine: string;
  /** Unix time of the origin of all times, ms. */
  readonly originEpochMs: number;
  /** When the profile was taken, ns since the origin; open spans are taken to last until then. */
  readonly capturedNs: number;
  /** Names of operations; spans hold indices. */
  readonly ops: readonly string[];
  /** Names of devices; spans and counters hold indices. */
  readonly devices: readonly string[];
  /** One array a column, one element a span, in ascending order of id; a parent's id is below its children's. */
  readonly spans: Readonly<Record<SpanColumn, Float64Array>>;
  readonly counters: Counters;
  /** Sums since the start of the profiler: they reach further back than `spans`. */
  readonly totals: readonly OpTotals[];
  /** Spans that were ended and have been overwritten since. */
  readonly overwrittenCount: number;
  /** Spans that were not recorded, since too many were open. */
  readonly droppedCount: number;
}

export interface Counters {
  readonly tracks: readonly CounterTrack[];
  /** Index of the track, time and value of each sample, in the order of time. */
  readonly track: Float64Array;
  readonly timeNs: Float64Array;
  readonly value: Float64Array;
}

export interface CounterTrack {
  /** "memory.used": what is counted. */
  readonly name: string;
  readonly device: number;
  /** "bytes". */
  readonly unit: string;
}

/** Sums over every ended span of one operation on one device. */
export interface OpTotals {
  readonly op: number;
  readonly device: number;
  readonly count: number;
  readonly totalNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  /** Sum of squared differences from the mean, ns^2. */
  readonly squaresNs2: number;
  readonly queueNs: number;
  readonly uploadNs: number;
  readonly kernelNs: number;
  readonly readbackNs: number;
  readonly overheadNs: number;
  readonly bytes: number;
  readonly flops: number;
}

/** End of span `i`: an open one lasts until the profile was taken. */
export function endNs(profile: Profile, i: number): number {
  const end = profile.spans.endNs[i];
  return Number.isNaN(end) ? Math.max(profile.capturedNs, profile.spans.startNs[i]) : end;
}

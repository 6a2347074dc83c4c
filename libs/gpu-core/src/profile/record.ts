/** Places of a span's numbers in its record. Times are ns since the profiler's origin, sizes bytes. */
export const RECORD = {
  id: 0,
  startNs: 1,
  /** NaN while the span is open. */
  endNs: 2,
  /** Id of the span around it, or -1. */
  parent: 3,
  op: 4,
  device: 5,
  lane: 6,
  queueNs: 7,
  uploadNs: 8,
  kernelNs: 9,
  readbackNs: 10,
  overheadNs: 11,
  /** Moved between memory and the computing unit, or host and device: what the operation declares. */
  bytes: 12,
  flops: 13,
  /** In use when the span ended; NaN where nobody said. */
  memoryBytes: 14,
  /** Id of the router's decision, or -1. */
  decision: 15,
} as const;

export type SpanColumn = keyof typeof RECORD;

export const SPAN_COLUMNS = Object.keys(RECORD) as SpanColumn[];

/** Two cache lines: all that a span writes lies together. */
export const RECORD_LENGTH = SPAN_COLUMNS.length;

/** What the time of a span is split into, in the order in which the parts follow each other. */
export const PARTS = ['queue', 'upload', 'kernel', 'readback', 'overhead'] as const;

export type Part = (typeof PARTS)[number];

/** Column of a part. */
export function partColumn(part: Part): `${Part}Ns` {
  return `${part}Ns`;
}

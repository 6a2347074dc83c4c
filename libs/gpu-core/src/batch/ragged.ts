import { fail } from '@armilla/base';

type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array | Uint8Array;

/** Rows of different lengths in one array. */
export interface Ragged<T extends Numbers> {
  readonly values: T;
  /** [count + 1]: row i is `values[offsets[i] .. offsets[i + 1])`. */
  readonly offsets: Uint32Array;
}

/** Packs rows of one type behind one another. Throws MEMORY_OVER_LIMIT beyond 2^32 - 1 values. */
export function packRagged<T extends Numbers>(rows: readonly T[], type: new (length: number) => T): Ragged<T> {
  const offsets = new Uint32Array(rows.length + 1);
  let end = 0;
  rows.forEach((row, i) => (offsets[i + 1] = end += row.length));
  if (end >= 2 ** 32) throw fail('MEMORY_OVER_LIMIT', { needed: `${end} values`, limit: '2^32 - 1 values' });
  const values = new type(end);
  rows.forEach((row, i) => values.set(row as never, offsets[i]));
  return { values, offsets };
}

/** The rows as views on `values`. */
export function unpackRagged<T extends Numbers>({ values, offsets }: Ragged<T>): T[] {
  return Array.from({ length: offsets.length - 1 }, (_, i) => values.subarray(offsets[i], offsets[i + 1]) as T);
}

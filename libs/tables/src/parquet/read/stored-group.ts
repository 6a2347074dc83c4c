import type { RecordBatch, Schema } from 'apache-arrow';
import { prepareCodecs } from '../codec/codec.js';
import type { Leaf } from '../format/leaf.js';
import type { ColumnChunk } from '../format/metadata.js';
import { batchOf } from './batch.js';
import { decodeColumnChunk } from './chunk.js';
import { readPlaced } from './placed.js';
import { readRange, trimRange } from './range.js';

/** Columns of one row group of an open Parquet file of this machine, to be read in any thread of the process. */
export interface StoredGroup {
  readonly fd: number;
  readonly rowCount: number;
  /** Rows that are read, from the first on; all when undefined. */
  readonly rowLimit?: number;
  readonly columns: readonly { readonly chunk: ColumnChunk; readonly leaf: Leaf; readonly where: string }[];
}

/** A buffer above this size is not kept between calls. */
const KEEP_BYTES = 64 << 20;

/** One for each column of fixed width. */
const buffers: Uint8Array[] = [];

/** The rows of a group as a batch of `schema`, which has its columns; in memory that the next call uses again. */
export async function readStoredGroup(
  { fd, rowCount, rowLimit = rowCount, columns }: StoredGroup,
  schema: Schema,
): Promise<RecordBatch> {
  await prepareCodecs(columns.map(({ chunk }) => chunk.codec));
  const values = columns.map(({ chunk, leaf, where }, i) => {
    const { layout } = leaf;
    const target =
      layout.kind === 'fixed' && layout.convert === 'none' ? room(i, rowCount * layout.byteWidth) : undefined;
    const placed = target && readPlaced(fd, chunk, leaf, target, rowLimit);
    return placed ?? decodeColumnChunk(readRange(fd, chunk, where), chunk, leaf, where, false, target);
  });
  trimRange();
  return batchOf(
    schema,
    columns.map(({ leaf }) => leaf),
    values,
    0,
    rowLimit,
  );
}

function room(column: number, byteLength: number): Uint8Array {
  const kept = buffers[column];
  if (kept !== undefined && kept.length >= byteLength) return kept.subarray(0, byteLength);
  const made = new Uint8Array(8 * Math.ceil(byteLength / 8));
  if (made.length <= KEEP_BYTES) buffers[column] = made;
  return made.subarray(0, byteLength);
}

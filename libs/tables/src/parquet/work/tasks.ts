import { prepareCodecs } from '../codec/codec.js';
import type { ColumnValues, Leaf } from '../format/leaf.js';
import type { ColumnChunk } from '../format/metadata.js';
import { orderRows, type RowOrder } from '../pick/order.js';
import { encodePicked, type PickTask } from '../pick/task.js';
import { decodeColumnChunk } from '../read/chunk.js';
import { readPlaced } from '../read/placed.js';
import { readRange, trimRange } from '../read/range.js';
import { type CodecChoice, type EncodedColumn, encodeColumnChunk } from '../write/chunk.js';
import type { ColumnPiece, ColumnSpec } from '../write/column.js';

/** One column of one row group that is to be decoded. */
export interface WantedChunk {
  readonly chunk: ColumnChunk;
  readonly leaf: Leaf;
  readonly where: string;
  /** Shared memory for the values of a column of fixed width; new memory when left out. */
  readonly target?: Uint8Array;
}

/** Some columns of one row group to decode, from an open file of this process. */
export interface DecodeTask {
  readonly kind: 'decode';
  readonly fd: number;
  readonly columns: readonly WantedChunk[];
  /** Decoded into shared memory, for readers in several threads. */
  readonly shared: boolean;
}

/** Some columns of one row group to encode. */
export interface EncodeTask {
  readonly kind: 'encode';
  readonly columns: readonly { readonly spec: ColumnSpec; readonly pieces: readonly ColumnPiece[] }[];
  readonly codec: CodecChoice | undefined;
}

/** What marks a thread as one of a pool. */
export const ROLE = 'armilla.parquet';

/** Rows to put in the order of memory. */
export interface OrderTask {
  readonly kind: 'order';
  readonly rows: Int32Array;
  readonly order: RowOrder;
}

export type ParquetTask = DecodeTask | EncodeTask | OrderTask | PickTask;

/** Does a task; the result is what `ParquetPool.run` promises for its kind. */
export async function doTask(task: ParquetTask): Promise<unknown> {
  switch (task.kind) {
    case 'decode':
      return decodeColumns(task);
    case 'encode':
      return encodeColumns(task);
    case 'order':
      return orderRows(task.rows, task.order);
    case 'pick':
      return encodePicked(task);
  }
}

/** Reads and decodes; the file's bytes go through one buffer that is used again. */
export async function decodeColumns(task: DecodeTask): Promise<ColumnValues[]> {
  await prepareCodecs(task.columns.map(({ chunk }) => chunk.codec));
  const decoded = task.columns.map(({ chunk, leaf, where, target }) => {
    const placed = target && readPlaced(task.fd, chunk, leaf, target);
    return placed ?? decodeColumnChunk(readRange(task.fd, chunk, where), chunk, leaf, where, task.shared, target);
  });
  trimRange();
  return decoded;
}

export function encodeColumns(task: EncodeTask): EncodedColumn[] {
  return task.columns.map(({ spec, pieces }) => encodeColumnChunk(spec, pieces, task.codec));
}

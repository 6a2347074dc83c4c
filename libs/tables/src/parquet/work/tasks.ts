import { readSync } from 'node:fs';
import { prepareCodecs } from '../codec/codec.js';
import type { ColumnValues, Leaf } from '../format/leaf.js';
import type { ColumnChunk } from '../format/metadata.js';
import { ParquetFault, parquetProblem } from '../format/fault.js';
import { decodeColumnChunk } from '../read/chunk.js';
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

export type ParquetTask = DecodeTask | EncodeTask;

/** Buffers above this size are not kept between tasks. */
const KEEP_BYTES = 32 << 20;

let readBuffer = new Uint8Array(0);

/** Reads and decodes; the file's bytes go through one buffer that is used again. */
export async function decodeColumns(task: DecodeTask): Promise<ColumnValues[]> {
  await prepareCodecs(task.columns.map(({ chunk }) => chunk.codec));
  const decoded = task.columns.map(({ chunk, leaf, where, target }) =>
    decodeColumnChunk(readRange(task.fd, chunk, where), chunk, leaf, where, task.shared, target),
  );
  if (readBuffer.length > KEEP_BYTES) readBuffer = new Uint8Array(0);
  return decoded;
}

export function encodeColumns(task: EncodeTask): EncodedColumn[] {
  return task.columns.map(({ spec, pieces }) => encodeColumnChunk(spec, pieces, task.codec));
}

function readRange(fd: number, chunk: ColumnChunk, where: string): Uint8Array {
  const { offset, byteLength } = chunk;
  if (readBuffer.length < byteLength) readBuffer = new Uint8Array(Math.max(byteLength, 1 << 20));
  for (let done = 0; done < byteLength;) {
    const count = readSync(fd, readBuffer, done, byteLength - done, offset + done);
    if (count === 0) throw parquetProblem(new ParquetFault('the file became shorter while it was read'), where);
    done += count;
  }
  return readBuffer.subarray(0, byteLength);
}

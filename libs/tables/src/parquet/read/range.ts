import { readSync } from 'node:fs';
import { ParquetFault, parquetProblem } from '../format/fault.js';
import type { ColumnChunk } from '../format/metadata.js';

/** A buffer above this size is not kept between tasks. */
const KEEP_BYTES = 32 << 20;

let buffer = new Uint8Array(0);

/** The bytes of a column chunk, in a buffer that is used again: valid until the next call. */
export function readRange(fd: number, { offset, byteLength }: ColumnChunk, where: string): Uint8Array {
  if (buffer.length < byteLength) buffer = new Uint8Array(Math.max(byteLength, 1 << 20));
  for (let done = 0; done < byteLength;) {
    const count = readSync(fd, buffer, done, byteLength - done, offset + done);
    if (count === 0) throw parquetProblem(new ParquetFault('the file became shorter while it was read'), where);
    done += count;
  }
  return buffer.subarray(0, byteLength);
}

/** Gives an unusually large buffer back. */
export function trimRange(): void {
  if (buffer.length > KEEP_BYTES) buffer = new Uint8Array(0);
}

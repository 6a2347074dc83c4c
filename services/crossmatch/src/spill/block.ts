import { readSync, writeSync, writevSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fail, formatBytes } from '@armilla/base';
import { MessageDecoder, MessageEncoder } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';

/** Rows of one part of a table in a scratch file: an Arrow message, its header and then its body. */
export interface Block {
  readonly part: number;
  /** Which file of the lanes it is in. */
  readonly lane: number;
  readonly offset: number;
  readonly headerLength: number;
  readonly bodyLength: number;
  readonly rowCount: number;
  /** Of header and body. */
  readonly crc: number;
}

/**
 * Scratch files as the threads that write them know them: one a thread, since two that write one file wait for each other
 * in the kernel, at three times the processor time.
 */
export interface SharedFile {
  readonly lanes: readonly { readonly fd: number; readonly path: string }[];
  /** [lanes] 1 while a thread writes there. In shared memory. */
  readonly busy: Int32Array;
  /** [lanes] where the next block goes; threads add to it what they take. In shared memory. */
  readonly ends: BigInt64Array;
  /** [2] bytes that all files of the folder take, and may take. In shared memory. */
  readonly budget: BigInt64Array;
}

/** Blocks are written so many bytes at a time, about. */
const WRITE_BYTES = 2 ** 23;

/** Appends batches of one schema, each as a block of its part; they stay as they are until then. Throws SCRATCH_FULL and SCRATCH_FAILED. `onWrite` hears what the system took for each write. */
export function writeBlocks(
  file: SharedFile,
  schema: Schema,
  parts: Iterable<{ readonly part: number; readonly batch: RecordBatch }>,
  onWrite?: (seconds: number) => void,
): Block[] {
  const encoder = new MessageEncoder(schema);
  const blocks: Block[] = [];
  let waiting: Omit<Block, 'lane' | 'offset'>[] = [];
  let pieces: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = (): void => {
    const begun = performance.now();
    const at = append(file, pieces, waitingBytes);
    onWrite?.((performance.now() - begun) / 1000);
    let { offset } = at;
    for (const block of waiting) {
      blocks.push({ ...block, lane: at.lane, offset });
      offset += block.headerLength + block.bodyLength;
    }
    waiting = [];
    pieces = [];
    waitingBytes = 0;
  };
  for (const { part, batch } of parts) {
    const messages = encoder.encode(batch);
    if (messages.length !== 1) throw new TypeError('a block has no dictionaries');
    const [{ header, body, bodyLength }] = messages;
    let crc = 0;
    for (const piece of [header, ...body]) {
      crc = crc32(piece, crc);
      pieces.push(piece);
    }
    waiting.push({ part, headerLength: header.length, bodyLength, rowCount: batch.numRows, crc });
    waitingBytes += header.length + bodyLength;
    if (waitingBytes >= WRITE_BYTES) flush();
  }
  if (waitingBytes > 0) flush();
  return blocks;
}

/** The batch of a block. Throws SCRATCH_FAILED for bytes that are none. */
export function readBlock(
  bytes: Uint8Array,
  { headerLength, rowCount }: Block,
  decoder: MessageDecoder,
  where: string,
): RecordBatch {
  let batch: RecordBatch | undefined;
  try {
    batch = decoder.decode({
      header: bytes.subarray(0, headerLength),
      body: [bytes.subarray(headerLength)],
      bodyLength: bytes.length - headerLength,
    });
  } catch (error) {
    throw fail('SCRATCH_FAILED', { where, detail: 'it holds other bytes than were written' }, { cause: error });
  }
  if (batch?.numRows !== rowCount)
    throw fail('SCRATCH_FAILED', { where, detail: 'it holds other bytes than were written' });
  return batch;
}

/** Fills `bytes` from a scratch file. Throws SCRATCH_FAILED. */
export function readFully(fd: number, bytes: Uint8Array, offset: number, path: string): void {
  try {
    for (let done = 0; done < bytes.length;) {
      const count = readSync(fd, bytes, done, bytes.length - done, offset + done);
      if (count === 0) throw Object.assign(new Error('it became shorter'), { code: 'EIO' });
      done += count;
    }
  } catch (error) {
    throw scratchProblem(error, path);
  }
}

/** A decoder for the blocks of a schema. */
export function blockDecoder(schema: Schema): MessageDecoder {
  const decoder = new MessageDecoder({ where: 'scratch' });
  decoder.decode(new MessageEncoder(schema).schemaMessage());
  return decoder;
}

/** Failures of the file system as problems of the scratch folder; others stay as they are. */
export function scratchProblem(error: unknown, where: string, neededBytes?: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  // A limit of the size of files is one of room as well.
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG')
    return fail(
      'SCRATCH_FULL',
      { where, needed: neededBytes === undefined ? 'more' : formatBytes(neededBytes), available: 'less' },
      { cause: error },
    );
  const detail = code === 'ENOENT' ? 'it is not there any more' : message;
  return fail('SCRATCH_FAILED', { where, detail }, { cause: error });
}

/** Writes behind the last block of a lane that nobody else writes to, if there is one. */
function append(file: SharedFile, pieces: readonly Uint8Array[], byteLength: number): { lane: number; offset: number } {
  const { lanes, busy, ends } = file;
  let free = 0;
  while (free < lanes.length && Atomics.compareExchange(busy, free, 0, 1) === 1) free++;
  const lane = free % lanes.length;
  try {
    reserve(file, byteLength, lanes[lane].path);
    const offset = Number(Atomics.add(ends, lane, BigInt(byteLength)));
    writeAt(lanes[lane], pieces, byteLength, offset);
    return { lane, offset };
  } finally {
    if (free < lanes.length) Atomics.store(busy, free, 0);
  }
}

/** Takes bytes of what all files may have together. */
function reserve({ budget }: SharedFile, byteLength: number, path: string): void {
  const used = Number(Atomics.add(budget, 0, BigInt(byteLength)));
  const limit = Number(budget[1]);
  if (used + byteLength > limit)
    throw fail('SCRATCH_FULL', {
      where: path,
      needed: `more than ${formatBytes(used + byteLength)}`,
      available: formatBytes(limit),
    });
}

function writeAt(
  { fd, path }: SharedFile['lanes'][number],
  pieces: readonly Uint8Array[],
  byteLength: number,
  offset: number,
): void {
  try {
    const written = writevSync(fd, pieces, offset);
    if (written === byteLength) return;
    const rest = Buffer.concat(pieces).subarray(written);
    for (let at = 0; at < rest.length;) at += writeSync(fd, rest, at, rest.length - at, offset + written + at);
  } catch (error) {
    throw scratchProblem(error, path, byteLength);
  }
}

import { writeSync, writevSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { fail, formatBytes } from '@armilla/base';
import { MessageDecoder, MessageEncoder } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';

/** Rows of one part of a table in a scratch file: an Arrow message, its header and then its body. */
export interface Block {
  readonly part: number;
  readonly offset: number;
  readonly headerLength: number;
  readonly bodyLength: number;
  readonly rowCount: number;
  /** Of header and body. */
  readonly crc: number;
}

/** A scratch file as the threads that write it know it. */
export interface SharedFile {
  readonly fd: number;
  readonly path: string;
  /** [1] where the next block goes; threads add to it what they take. In shared memory. */
  readonly end: BigInt64Array;
  /** [2] bytes that all files of the folder take, and may take. In shared memory. */
  readonly budget: BigInt64Array;
}

/** Blocks are written so many bytes at a time, about. */
const WRITE_BYTES = 2 ** 23;

/** Appends batches of one schema, each as a block of its part; they stay as they are until then. Throws SCRATCH_FULL and SCRATCH_FAILED. */
export function writeBlocks(
  file: SharedFile,
  schema: Schema,
  parts: Iterable<{ readonly part: number; readonly batch: RecordBatch }>,
): Block[] {
  const encoder = new MessageEncoder(schema);
  const blocks: Block[] = [];
  let waiting: Omit<Block, 'offset'>[] = [];
  let pieces: Uint8Array[] = [];
  let waitingBytes = 0;
  const flush = (): void => {
    let offset = reserve(file, waitingBytes);
    writeAt(file, pieces, waitingBytes, offset);
    for (const block of waiting) {
      blocks.push({ ...block, offset });
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
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return fail(
      'SCRATCH_FULL',
      { where, needed: neededBytes === undefined ? 'more' : formatBytes(neededBytes), available: 'less' },
      { cause: error },
    );
  const detail = code === 'ENOENT' ? 'it is not there any more' : message;
  return fail('SCRATCH_FAILED', { where, detail }, { cause: error });
}

/** Takes the next bytes of the file for the caller. */
function reserve({ path, end, budget }: SharedFile, byteLength: number): number {
  const used = Number(Atomics.add(budget, 0, BigInt(byteLength)));
  const limit = Number(budget[1]);
  if (used + byteLength > limit)
    throw fail('SCRATCH_FULL', {
      where: path,
      needed: `more than ${formatBytes(used + byteLength)}`,
      available: formatBytes(limit),
    });
  return Number(Atomics.add(end, 0, BigInt(byteLength)));
}

function writeAt({ fd, path }: SharedFile, pieces: readonly Uint8Array[], byteLength: number, offset: number): void {
  try {
    const written = writevSync(fd, pieces, offset);
    if (written === byteLength) return;
    const rest = Buffer.concat(pieces).subarray(written);
    for (let at = 0; at < rest.length;) at += writeSync(fd, rest, at, rest.length - at, offset + written + at);
  } catch (error) {
    throw scratchProblem(error, path, byteLength);
  }
}

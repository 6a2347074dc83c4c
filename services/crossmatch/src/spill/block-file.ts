import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { MemoryLoan } from '../shared-memory.js';
import { type Block, blockDecoder, readBlock, scratchProblem, type SharedFile } from './block.js';

/** Blocks that are read at a time. */
const READS_AHEAD = 4;

/** Blocks in the scratch folder, in as many files as threads append to them by `shared`; any block can be read at any time. */
export class BlockFile {
  readonly shared: SharedFile;

  private constructor(
    readonly path: string,
    private readonly handles: readonly FileHandle[],
    readonly schema: Schema,
    budget: BigInt64Array,
    byteLengths: readonly number[],
  ) {
    const ends = new BigInt64Array(new SharedArrayBuffer(8 * handles.length));
    byteLengths.forEach((byteLength, lane) => {
      ends[lane] = BigInt(byteLength);
      Atomics.add(budget, 0, ends[lane]);
    });
    const lanes = handles.map(({ fd }, lane) => ({ fd, path: lanePath(path, lane) }));
    this.shared = { lanes, busy: new Int32Array(new SharedArrayBuffer(4 * lanes.length)), ends, budget };
  }

  /** New, empty files. */
  static async create(path: string, schema: Schema, budget: BigInt64Array, laneCount: number): Promise<BlockFile> {
    const handles = await openLanes(
      path,
      Array.from({ length: laneCount }, () => 'w+'),
    );
    return new BlockFile(path, handles, schema, budget, []);
  }

  /** Files that an earlier process has written, with blocks up to `byteLengths`; as many more as are wanted. */
  static async reopen(
    path: string,
    schema: Schema,
    budget: BigInt64Array,
    laneCount: number,
    byteLengths: readonly number[],
  ): Promise<BlockFile> {
    const flags = Array.from({ length: Math.max(laneCount, byteLengths.length) }, (_, lane) =>
      lane < byteLengths.length ? 'r+' : 'w+',
    );
    return new BlockFile(path, await openLanes(path, flags), schema, budget, byteLengths);
  }

  /** Of each file, with what threads are about to write. */
  get byteLengths(): number[] {
    return Array.from(this.shared.ends, Number);
  }

  /** The rows of `blocks`, in their order, in memory of `loan`; `check` also compares their checksums. */
  async *read(
    blocks: readonly Block[],
    loan: MemoryLoan,
    options: { readonly check?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const decoder = blockDecoder(this.schema);
    const ahead: Promise<Uint8Array>[] = [];
    let next = 0;
    try {
      for (const block of blocks) {
        options.signal?.throwIfAborted();
        for (; next < blocks.length && ahead.length < READS_AHEAD; next++) {
          const bytes = this.#bytes(blocks[next], loan);
          bytes.catch(() => undefined);
          ahead.push(bytes);
        }
        const bytes = await (ahead.shift() as Promise<Uint8Array>);
        const { path } = this.shared.lanes[block.lane];
        if (options.check && crc32(bytes) !== block.crc) throw spoiled(path);
        yield readBlock(bytes, block, decoder, path);
      }
    } finally {
      await Promise.allSettled(ahead);
    }
  }

  async close(): Promise<void> {
    for (const handle of this.handles) await handle.close();
  }

  async #bytes({ lane, offset, headerLength, bodyLength }: Block, loan: MemoryLoan): Promise<Uint8Array> {
    const length = headerLength + bodyLength;
    const bytes = loan.bytes(length);
    try {
      for (let at = 0; at < length;) {
        const { bytesRead } = await this.handles[lane].read(bytes, at, length - at, offset + at);
        if (bytesRead === 0) throw spoiled(lanePath(this.path, lane));
        at += bytesRead;
      }
    } catch (error) {
      throw scratchProblem(error, lanePath(this.path, lane));
    }
    return bytes;
  }
}

function lanePath(path: string, lane: number): string {
  return `${path}.${lane}.blocks`;
}

async function openLanes(path: string, flags: readonly string[]): Promise<FileHandle[]> {
  const handles: FileHandle[] = [];
  try {
    for (const [lane, flag] of flags.entries()) handles.push(await open(lanePath(path, lane), flag));
    return handles;
  } catch (error) {
    for (const handle of handles) await handle.close();
    throw scratchProblem(error, lanePath(path, handles.length));
  }
}

function spoiled(where: string): Error {
  return fail('SCRATCH_FAILED', { where, detail: 'it holds other bytes than were written' });
}

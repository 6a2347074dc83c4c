import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { MemoryLoan } from '../shared-memory.js';
import { type Block, blockDecoder, readBlock, scratchProblem, type SharedFile } from './block.js';

/** Blocks that are read at a time. */
const READS_AHEAD = 4;

/** A file of blocks in the scratch folder. Threads append to it by `shared`; any block can be read at any time. */
export class BlockFile {
  readonly shared: SharedFile;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly schema: Schema,
    budget: BigInt64Array,
    byteLength: number,
  ) {
    const end = new BigInt64Array(new SharedArrayBuffer(8));
    end[0] = BigInt(byteLength);
    Atomics.add(budget, 0, end[0]);
    this.shared = { fd: handle.fd, path, end, budget };
  }

  /** A new, empty file. */
  static async create(path: string, schema: Schema, budget: BigInt64Array): Promise<BlockFile> {
    const handle = await open(path, 'w+').catch((error: unknown) => {
      throw scratchProblem(error, path);
    });
    return new BlockFile(path, handle, schema, budget, 0);
  }

  /** A file that an earlier process has written, with blocks up to `byteLength`. */
  static async reopen(path: string, schema: Schema, budget: BigInt64Array, byteLength: number): Promise<BlockFile> {
    const handle = await open(path, 'r+').catch((error: unknown) => {
      throw scratchProblem(error, path);
    });
    return new BlockFile(path, handle, schema, budget, byteLength);
  }

  get byteLength(): number {
    return Number(this.shared.end[0]);
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
        if (options.check && crc32(bytes) !== block.crc) throw this.#spoiled();
        yield readBlock(bytes, block, decoder, this.path);
      }
    } finally {
      await Promise.allSettled(ahead);
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  async #bytes({ offset, headerLength, bodyLength }: Block, loan: MemoryLoan): Promise<Uint8Array> {
    const length = headerLength + bodyLength;
    const bytes = loan.bytes(length);
    try {
      for (let at = 0; at < length;) {
        const { bytesRead } = await this.handle.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0) throw this.#spoiled();
        at += bytesRead;
      }
    } catch (error) {
      throw scratchProblem(error, this.path);
    }
    return bytes;
  }

  #spoiled(): Error {
    return fail('SCRATCH_FAILED', { where: this.path, detail: 'it holds other bytes than were written' });
  }
}

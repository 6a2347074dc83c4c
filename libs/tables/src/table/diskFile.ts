import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { copyBytes } from './copyBytes.js';
import { EarlySync } from './earlySync.js';
import type { OutputFile } from './output.js';

/** Bytes that are written past the page cache at once. */
const BLOCK_BYTES = 4 << 20;
const BLOCK_COUNT = 2;
/** Up to here a file is small: it stays in the page cache, for who reads it next. */
const CACHED_BYTES = 64 << 20;
const WASM_PAGE = 65536;

/**
 * A file that is written from its beginning to its end. What is beyond the first 64 MiB goes past the page cache where the
 * system can do that: copying to fresh pages of the cache costs the processor more than encoding does, and a large
 * result would push out what other programs read. A pipe or device takes the bytes as they come.
 */
export async function openDiskFile(path: string, mode: number | undefined): Promise<OutputFile> {
  const file = await open(path, 'w', mode);
  const isFile = (await file.stat()).isFile();
  const early = isFile ? new EarlySync(() => file.sync()) : undefined;
  let blocks: DirectBlocks | undefined;
  let isSmall = isFile;
  let cachedBytes = 0;
  const writeCached = async (bytes: Uint8Array): Promise<void> => {
    await writeFully(file, bytes);
    cachedBytes += bytes.length;
    early?.wrote(bytes.length);
  };
  return {
    async write(bytes) {
      let rest = bytes;
      if (isSmall) {
        const room = CACHED_BYTES - cachedBytes;
        await writeCached(bytes.subarray(0, room));
        if (cachedBytes < CACHED_BYTES) return;
        isSmall = false;
        blocks = await DirectBlocks.open(path, file, cachedBytes);
        rest = bytes.subarray(room);
      }
      await (blocks ? blocks.write(rest) : writeCached(rest));
    },
    async sync() {
      await blocks?.finish();
      await early?.finish();
    },
    async close() {
      await early?.settled();
      await blocks?.close();
      await file.close();
    },
  };
}

/** What comes behind `position`, in whole blocks at multiples of their length. */
class DirectBlocks {
  readonly #blocks: Uint8Array[];
  /** The write that is under way from each block. */
  readonly #writes: Promise<void>[] = [];
  #current = 0;
  #filled = 0;

  private constructor(
    private readonly direct: FileHandle,
    private readonly cached: FileHandle,
    private position: number,
  ) {
    // Memory of WebAssembly begins at a page of the system, as such writes ask for.
    const pageCount = (BLOCK_COUNT * BLOCK_BYTES) / WASM_PAGE;
    const { buffer } = new WebAssembly.Memory({ initial: pageCount, maximum: pageCount, shared: true });
    this.#blocks = Array.from({ length: BLOCK_COUNT }, (_, i) => new Uint8Array(buffer, i * BLOCK_BYTES, BLOCK_BYTES));
  }

  /** Undefined where files are written through the page cache only. */
  static async open(path: string, cached: FileHandle, position: number): Promise<DirectBlocks | undefined> {
    if (constants.O_DIRECT === undefined || typeof WebAssembly === 'undefined') return undefined;
    const direct = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => undefined);
    return direct && new DirectBlocks(direct, cached, position);
  }

  /** Copies `bytes`; throws what a write of bytes before them threw. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#filled === 0) await this.#writes[this.#current];
      const count = Math.min(bytes.length - at, BLOCK_BYTES - this.#filled);
      copyBytes(bytes.subarray(at, at + count), this.#blocks[this.#current], this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === BLOCK_BYTES) this.#send();
    }
  }

  /** Ends the file: waits for all writes, and writes what does not fill a block through the cache. */
  async finish(): Promise<void> {
    await Promise.all(this.#writes);
    await writeFully(this.cached, this.#blocks[this.#current].subarray(0, this.#filled), this.position);
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#writes);
    await this.direct.close();
  }

  #send(): void {
    const block = this.#blocks[this.#current];
    const written = writeDirect(this.direct, this.cached, block, this.position);
    // Whoever writes next, or ends the file, is told.
    written.catch(() => undefined);
    this.#writes[this.#current] = written;
    this.#current = (this.#current + 1) % BLOCK_COUNT;
    this.#filled = 0;
    this.position += BLOCK_BYTES;
  }
}

/** Through the cache where the file system does not take the block: some open a file for such writes and then refuse them. */
async function writeDirect(direct: FileHandle, cached: FileHandle, block: Uint8Array, position: number): Promise<void> {
  try {
    await writeFully(direct, block, position);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    await writeFully(cached, block, position);
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const place = position === undefined ? null : position + at;
    at += (await file.write(bytes, at, bytes.length - at, place)).bytesWritten;
  }
}

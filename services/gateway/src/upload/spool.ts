import { fail, formatBytes, type Problem } from '@armilla/base';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

const READ_BYTES = 1 << 20;
const FOLDER = /^armilla-spool-(\d+)-[0-9a-f]+$/;

/** Folders of this process: in a container a dead process may have had our own id. */
const ownFolders = new Set<string>();

/**
 * A folder of this process for uploads that have to wait, with one limit in bytes for all of them together. Folders
 * that a dead process left behind are removed at the start.
 */
export class Spool {
  #usedBytes = 0;
  #fileCount = 0;

  private constructor(
    readonly folder: string,
    readonly limitBytes: number,
  ) {}

  static async open(parent: string, limitBytes: number): Promise<Spool> {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    for (const name of await readdir(parent)) {
      const pid = Number(FOLDER.exec(name)?.[1]);
      const path = join(parent, name);
      const abandoned = pid === process.pid ? !ownFolders.has(path) : pid > 0 && !isAlive(pid);
      if (abandoned) await rm(path, { recursive: true, force: true });
    }
    const folder = join(parent, `armilla-spool-${process.pid}-${randomBytes(6).toString('hex')}`);
    ownFolders.add(folder);
    await mkdir(folder, { mode: 0o700 });
    return new Spool(folder, limitBytes);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get fileCount(): number {
    return this.#fileCount;
  }

  async create(label: string): Promise<SpoolFile> {
    const path = join(this.folder, `${label}-${randomBytes(8).toString('hex')}`);
    const handle = await open(path, 'wx+', 0o600).catch((error: unknown) => {
      throw spoolFailed(error);
    });
    this.#fileCount++;
    return new SpoolFile(
      path,
      handle,
      (bytes) => this.#reserve(bytes),
      () => this.#fileCount--,
    );
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    ownFolders.delete(this.folder);
  }

  #reserve(bytes: number): void {
    if (this.#usedBytes + bytes > this.limitBytes) {
      throw fail('SPOOL_FULL', { used: formatBytes(this.#usedBytes), limit: formatBytes(this.limitBytes) });
    }
    this.#usedBytes += bytes;
  }
}

/** One upload on disk: appended at the end, read from any place, removed by its owner. */
export class SpoolFile {
  #byteCount = 0;
  #reservedBytes = 0;
  #removed = false;

  constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    private readonly reserve: (bytes: number) => void,
    private readonly onRemove: () => void,
  ) {}

  get byteCount(): number {
    return this.#byteCount;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.reserve(chunk.length);
    this.#reservedBytes += chunk.length;
    try {
      let done = 0;
      while (done < chunk.length)
        done += (await this.handle.write(chunk, done, chunk.length - done, this.#byteCount + done)).bytesWritten;
      // Counted when it is there: a reader may follow behind.
      this.#byteCount += done;
    } catch (error) {
      throw spoolFailed(error);
    }
  }

  /** Up to `length` bytes from `offset`; fewer at the end of what was appended. */
  async read(offset: number, length = READ_BYTES): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#byteCount - offset)));
    const { bytesRead } = await this.handle.read(buffer, 0, buffer.length, offset);
    return buffer.subarray(0, bytesRead);
  }

  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    for (let offset = 0; offset < this.#byteCount;) {
      const chunk = await this.read(offset);
      if (chunk.length === 0) throw fail('SPOOL_FAILED', { detail: 'the spooled file became shorter' });
      offset += chunk.length;
      yield chunk;
    }
  }

  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    this.reserve(-this.#reservedBytes);
    this.onRemove();
    await this.handle.close();
    // The whole folder may be gone already, when the gateway closes while a request ends.
    await unlink(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

const spoolFailed = (error: unknown): Problem =>
  fail('SPOOL_FAILED', { detail: (error as NodeJS.ErrnoException).code ?? 'write error' }, { cause: error });

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

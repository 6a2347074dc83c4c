import { type FileHandle, open } from 'node:fs/promises';
import { fail } from '@armilla/base';

/** Bytes that can be read at any place. */
export interface ByteSource {
  readonly byteLength: number;
  /** Exactly `length` bytes from `offset` on; the view is the caller's. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file of this machine; its descriptor also serves the worker threads of the process. */
export class FileSource implements ByteSource {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    readonly byteLength: number,
  ) {}

  static async open(path: string): Promise<FileSource> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const { size } = await handle.stat();
      return new FileSource(path, handle, size);
    } catch (error) {
      await handle?.close();
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (missing) throw fail('INPUT_NOT_FOUND', { where: path }, { cause: error });
      throw fail('INPUT_UNREADABLE', { where: path, detail: (error as Error).message }, { cause: error });
    }
  }

  get fd(): number {
    return this.handle.fd;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0)
        throw fail('PARQUET_INVALID', { where: this.path, detail: 'the file became shorter while it was read' });
      done += bytesRead;
    }
    return bytes;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** Bytes in memory. */
export class MemorySource implements ByteSource {
  constructor(private readonly bytes: Uint8Array) {}

  get byteLength(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    if (offset < 0 || offset + length > this.bytes.length)
      return Promise.reject(new RangeError(`bytes ${offset} to ${offset + length} of ${this.bytes.length}`));
    return Promise.resolve(this.bytes.subarray(offset, offset + length));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

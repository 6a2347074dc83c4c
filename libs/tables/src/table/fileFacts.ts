import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { readError } from './input.js';
import { expandPath } from './paths.js';

/** Bytes at either end of a file that a digest covers: more of them would cost a read of the whole table. */
const END_BYTES = 1 << 20;
const MANY_FILES = 64;
const END_BYTES_OF_MANY = 1 << 16;

/** What a path, glob or folder stands for. */
export interface FileFacts {
  /** In the order in which they are read. */
  readonly files: readonly string[];
  readonly byteCount: number;
  /** Of the file that changed last. */
  readonly modified: Date;
  /** SHA-256, in hex, of all bytes, or of what `endByteCount` covers of each file in turn. */
  readonly sha256: string;
  /** So many first and last bytes of each file are in the digest (once, where they overlap); undefined: all bytes. */
  readonly endByteCount: number | undefined;
}

/** Undefined where not everything is a regular file: a pipe gives its bytes once. */
export async function fileFacts(path: string, signal?: AbortSignal): Promise<FileFacts | undefined> {
  const files = await expandPath(path);
  const endBytes = files.length > MANY_FILES ? END_BYTES_OF_MANY : END_BYTES;
  const hash = createHash('sha256');
  let byteCount = 0;
  let modifiedMs = 0;
  let whole = true;
  for (const file of files) {
    signal?.throwIfAborted();
    try {
      const found = await stat(file);
      if (!found.isFile()) return undefined;
      byteCount += found.size;
      modifiedMs = Math.max(modifiedMs, found.mtimeMs);
      whole &&= found.size <= 2 * endBytes;
      await hashEnds(file, found.size, endBytes, hash);
    } catch (error) {
      throw readError(error, file);
    }
  }
  return {
    files,
    byteCount,
    modified: new Date(modifiedMs),
    sha256: hash.digest('hex'),
    endByteCount: whole ? undefined : endBytes,
  };
}

async function hashEnds(path: string, size: number, endBytes: number, hash: Hash): Promise<void> {
  const file = await open(path, 'r');
  try {
    if (size <= 2 * endBytes) return await hashRange(file, 0, size, hash);
    await hashRange(file, 0, endBytes, hash);
    await hashRange(file, size - endBytes, endBytes, hash);
  } finally {
    await file.close();
  }
}

async function hashRange(file: FileHandle, from: number, length: number, hash: Hash): Promise<void> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, from + done);
    // A file that becomes shorter is told by who reads its rows.
    if (bytesRead === 0) return;
    hash.update(bytes.subarray(done, done + bytesRead));
    done += bytesRead;
  }
}

/** Whether two paths lead to one file, by whatever name; false where one of them is not there. */
export async function isSameFile(first: string, second: string): Promise<boolean> {
  const [a, b] = await Promise.all([first, second].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

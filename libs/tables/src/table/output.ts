import { constants } from 'node:fs';
import { access, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fail, isProblem } from '@armilla/base';
import { abortable } from './abortable.js';
import { openDiskFile } from './diskFile.js';

/** The file system calls of one output, so that a test can let each of them fail. */
export interface OutputFiles {
  /** Undefined where there is nothing. */
  look(path: string): Promise<OutputPlace | undefined>;
  open(path: string, mode: number | undefined): Promise<OutputFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes a rename inside `folder` last. */
  syncFolder(folder: string): Promise<void>;
}

export interface OutputPlace {
  readonly kind: 'file' | 'folder' | 'device';
  /** Without symbolic links: a link stays a link to the file that it names. */
  readonly realPath: string;
  /** Permissions, which a file keeps when it is replaced. */
  readonly mode: number;
}

export interface OutputFile {
  /** Done with `bytes` when it resolves. Throws, perhaps later than for the bytes that it is about, what writing threw. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the writing: all bytes are on the disk then. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export const diskFiles: OutputFiles = {
  async look(path) {
    try {
      const found = await stat(path);
      const kind = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'device';
      return { kind, realPath: kind === 'file' ? await realpath(path) : path, mode: found.mode & 0o777 };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  },
  open: openDiskFile,
  rename,
  remove: (path) => rm(path, { force: true }),
  async syncFolder(folder) {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

export interface OutputOptions {
  readonly overwrite?: boolean;
  /** A second file, of what is known when the first is whole; neither appears before both are whole. None beside pipes and devices. */
  readonly beside?: { readonly path: string; bytes(byteCount: number): Promise<Uint8Array> };
  readonly signal?: AbortSignal;
}

/** Throws OUTPUT_EXISTS or OUTPUT_NOT_CREATED for what is known of `path`, and of a file beside it, before there is anything to write. */
export async function checkOutput(
  path: string,
  options: { readonly overwrite?: boolean; readonly besidePath?: string } = {},
): Promise<void> {
  const before = await lookAt(path, options, diskFiles);
  if (before?.kind === 'device') return;
  await access(dirname(before?.realPath ?? path), constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw notCreated(path, error);
  });
  if (options.besidePath !== undefined) await checkOutput(options.besidePath, { overwrite: options.overwrite });
}

let partCount = 0;

/**
 * Writes `chunks` to `path` and gives the number of bytes. A regular file is written as `*.part` beside it, synced and renamed: under
 * its own name there is the whole file or nothing new, and no `*.part` stays behind an error. Pipes and devices are written in place.
 */
export async function writeFileOutput(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  options: OutputOptions = {},
  files: OutputFiles = diskFiles,
): Promise<number> {
  options.signal?.throwIfAborted();
  const before = await lookAt(path, options, files);
  if (before?.kind === 'device') return writeChunks(path, path, before, chunks, options, files);
  const parts: FilePart[] = [];
  try {
    const first = await writeAside(path, before, chunks, options, files);
    parts.push(first);
    const { beside } = options;
    if (beside) {
      const place = await lookAt(beside.path, options, files);
      const bytes = await beside.bytes(first.byteCount);
      parts.push(await writeAside(beside.path, place, once(bytes), options, files));
    }
    for (const { path: name } of parts)
      if (options.overwrite !== true && (await writing(name, files.look(name))) !== undefined)
        throw fail('OUTPUT_EXISTS', { where: name });
    for (const { path: name, part, target } of parts) await writing(name, files.rename(part, target));
    // The files are whole by now; a file system that cannot sync folders is no reason to call them failed.
    for (const folder of new Set(parts.map(({ target }) => dirname(target))))
      await files.syncFolder(folder).catch(() => undefined);
    return first.byteCount;
  } catch (error) {
    // The first error is the one to tell.
    for (const { part } of parts) await files.remove(part).catch(() => undefined);
    throw error;
  }
}

/** A whole file under a name of its own. */
interface FilePart {
  readonly path: string;
  readonly part: string;
  /** Where it belongs. */
  readonly target: string;
  readonly byteCount: number;
}

async function writeAside(
  path: string,
  before: OutputPlace | undefined,
  chunks: AsyncIterable<Uint8Array>,
  options: OutputOptions,
  files: OutputFiles,
): Promise<FilePart> {
  const target = before?.realPath ?? path;
  const part = `${target}.${process.pid}-${++partCount}.part`;
  return { path, part, target, byteCount: await writeChunks(path, part, before, chunks, options, files) };
}

/** Writes `place`, which messages call `path`: synced and, after an error, removed, unless it is a device. */
async function writeChunks(
  path: string,
  place: string,
  before: OutputPlace | undefined,
  chunks: AsyncIterable<Uint8Array>,
  { signal }: OutputOptions,
  files: OutputFiles,
): Promise<number> {
  const inPlace = before?.kind === 'device';
  const file = await files.open(place, before?.mode).catch((error: unknown) => {
    throw notCreated(path, error);
  });
  let closed = false;
  try {
    let byteCount = 0;
    for await (const chunk of abortable(chunks, signal)) {
      signal?.throwIfAborted();
      await writing(path, file.write(chunk));
      byteCount += chunk.length;
    }
    signal?.throwIfAborted();
    if (!inPlace) await writing(path, file.sync());
    closed = true;
    await writing(path, file.close());
    return byteCount;
  } catch (error) {
    // The first error is the one to tell.
    if (!closed) await file.close().catch(() => undefined);
    if (!inPlace) await files.remove(place).catch(() => undefined);
    throw error;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

/** What stands at `path`, if it may be written to. */
async function lookAt(path: string, options: OutputOptions, files: OutputFiles): Promise<OutputPlace | undefined> {
  const before = await files.look(path).catch((error: unknown) => {
    throw notCreated(path, error);
  });
  if (before?.kind === 'folder') throw fail('OUTPUT_NOT_CREATED', { where: path, detail: 'it is a folder' });
  if (before?.kind === 'file' && options.overwrite !== true) throw fail('OUTPUT_EXISTS', { where: path });
  return before;
}

/** Writes `chunks` to a stream that stays open, at the pace of its reader. */
export async function writeStreamOutput(
  stream: NodeJS.WritableStream,
  chunks: AsyncIterable<Uint8Array>,
  options: OutputOptions = {},
): Promise<number> {
  const { signal } = options;
  const where = 'the output stream';
  let byteCount = 0;
  for await (const chunk of abortable(chunks, signal)) {
    signal?.throwIfAborted();
    await writing(where, writeChunk(stream, chunk, signal));
    byteCount += chunk.length;
  }
  return byteCount;
}

function writeChunk(stream: NodeJS.WritableStream, chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      stream.removeListener('error', settle);
      stream.removeListener('close', onClose);
      signal?.removeEventListener('abort', onAbort);
      if (error === undefined || error === null) resolve();
      else reject(error as Error);
    };
    const onClose = (): void => settle(Object.assign(new Error('the reader has gone'), { code: 'EPIPE' }));
    const onAbort = (): void => settle(signal?.reason);
    stream.once('error', settle);
    stream.once('close', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
    stream.write(chunk, settle);
  });
}

/** Names failures of the file system; what the source of the chunks throws passes by. */
export async function writing<T>(where: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (
      isProblem(error) ||
      (error as NodeJS.ErrnoException).code === undefined ||
      (error as Error).name === 'AbortError'
    )
      throw error;
    throw fail('OUTPUT_WRITE_FAILED', { where, detail: reasonOf(error) }, { cause: error });
  }
}

/** Says why there is nothing at `where`, unless `error` says it already. */
export function notCreated(where: string, error: unknown): unknown {
  return isProblem(error) || (error as NodeJS.ErrnoException).code === undefined
    ? error
    : fail('OUTPUT_NOT_CREATED', { where, detail: reasonOf(error) }, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file size limit is reached',
  EIO: 'input/output error',
  EISDIR: 'it is a folder',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such folder',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'not permitted',
  EPIPE: 'the reader has gone',
  EROFS: 'the file system is read-only',
};

function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return code in REASONS ? `${REASONS[code]} (${code})` : message;
}

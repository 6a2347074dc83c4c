import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fail } from '@armilla/base';
import { abortable } from './abortable.js';

const READ_BYTES = 2 ** 20;

/** Bytes of one table, wherever they come from. */
export interface Input {
  readonly where: string;
  /** Path of a regular file. */
  readonly path: string | undefined;
  readonly bytes: Uint8Array | undefined;
  /** True when `open` gives the same bytes again. */
  readonly repeatable: boolean;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export type Source =
  | { readonly name: string; readonly bytes: Uint8Array }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

/** The input of one path; pipes and devices are streams. */
export async function fileInput(path: string): Promise<Input> {
  let regular: boolean;
  let byteLength: number;
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw fail('INPUT_UNREADABLE', { where: path, detail: 'it is a folder' });
    regular = found.isFile();
    byteLength = regular ? found.size : 0;
  } catch (error) {
    throw readError(error, path);
  }
  return {
    where: path,
    path: regular ? path : undefined,
    bytes: undefined,
    repeatable: regular,
    open: (signal) => readFile(path, byteLength, signal),
  };
}

export function sourceInput(source: Source): Input {
  if ('bytes' in source) {
    const { name, bytes } = source;
    return { where: name, path: undefined, bytes, repeatable: true, open: () => pieces(bytes) };
  }
  return {
    where: source.name,
    path: undefined,
    bytes: undefined,
    repeatable: false,
    open: (signal) => abortable(source.stream, signal),
  };
}

/** An input whose first bytes were looked at: `head` holds up to `byteCount` of them (all when `complete`), `rest` gives them again and goes on. */
export interface Peeked {
  readonly head: Uint8Array;
  readonly complete: boolean;
  readonly rest: AsyncIterable<Uint8Array>;
  /** Gives the source back when `rest` is not read. */
  close(): Promise<void>;
}

export async function peek(source: AsyncIterable<Uint8Array>, byteCount: number): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const parts: Uint8Array[] = [];
  let total = 0;
  let complete = false;
  while (total < byteCount && !complete) {
    const { value, done } = await iterator.next();
    if (done === true) complete = true;
    else {
      parts.push(value);
      total += value.length;
    }
  }
  const head = parts.length === 1 ? parts[0] : Buffer.concat(parts, total);
  return {
    head,
    complete,
    rest: follow(head, iterator),
    close: async () => {
      await iterator.return?.();
    },
  };
}

/** No generator, so that `return` reaches the source also before the first `next`. */
function follow(head: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  let given = false;
  const rest: AsyncIterator<Uint8Array> = {
    next: () => {
      if (given) return iterator.next();
      given = true;
      return Promise.resolve({ value: head, done: false });
    },
    return: async () => {
      await iterator.return?.();
      return { value: undefined, done: true };
    },
  };
  return { [Symbol.asyncIterator]: () => rest };
}

/** Text has no end mark: a file that ends before `byteLength` would pass for a smaller table. */
async function* readFile(
  path: string,
  byteLength: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const stream = createReadStream(path, { highWaterMark: READ_BYTES, signal });
  let seen = 0;
  try {
    for await (const chunk of stream) {
      seen += (chunk as Uint8Array).length;
      yield chunk as Uint8Array;
    }
    if (seen < byteLength) {
      const detail = `it became shorter while it was read (${seen} of ${byteLength} bytes); read it when it is complete`;
      throw fail('INPUT_UNREADABLE', { where: path, detail });
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw readError(error, path);
  } finally {
    stream.destroy();
  }
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += READ_BYTES) {
    yield bytes.subarray(at, at + READ_BYTES);
    await letOthersRun();
  }
}

/** Bytes in memory come without waiting: timers and sockets get their turn here. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A file system error as a Problem. */
export function readError(error: unknown, where: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') return fail('INPUT_NOT_FOUND', { where }, { cause: error });
  return /^E[A-Z]+$/.test(code) ? fail('INPUT_UNREADABLE', { where, detail: message }, { cause: error }) : error;
}

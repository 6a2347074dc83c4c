import { createWriteStream, fstatSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { fail } from '@armilla/base';

let stream: Writable | undefined;

/**
 * Standard output, never closed. A file is written from a thread, so that a slow disk does not hold up the match; pipes
 * and terminals by process.stdout, which waits for a slow reader without blocking (Ctrl-C must still be heard).
 */
export function standardOutput(): Writable {
  stream ??= (fstatSync(1).isFile() ? createWriteStream('', { fd: 1, autoClose: false }) : process.stdout).on(
    'error',
    () => undefined,
  );
  return stream;
}

/** Writes one line to standard output. */
export function printLine(text: string): Promise<void> {
  return write(`${text}\n`);
}

/** Writes `chunks` to standard output, at the pace of its reader. */
export async function printBytes(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) await write(chunk);
}

function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    standardOutput().write(data, (error) => {
      if (error)
        reject(fail('OUTPUT_WRITE_FAILED', { where: 'standard output', detail: error.message }, { cause: error }));
      else resolve();
    });
  });
}

import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { fail } from '@armilla/base';

let stream: Writable | undefined;

/**
 * Standard output. process.stdout writes to pipes synchronously, which would block Ctrl-C behind a slow reader; this one
 * writes from a thread. It is never closed.
 */
export function standardOutput(): Writable {
  stream ??= createWriteStream('', { fd: 1, autoClose: false }).on('error', () => undefined);
  return stream;
}

/** Writes one line to standard output. */
export function printLine(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    standardOutput().write(`${text}\n`, (error) => {
      if (error)
        reject(fail('OUTPUT_WRITE_FAILED', { where: 'standard output', detail: error.message }, { cause: error }));
      else resolve();
    });
  });
}

import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, formatBytes } from '@armilla/base';

/** Foreign bytes: a file of this machine, bytes in memory, or a stream. */
export type ForeignInput =
  { readonly path: string } | { readonly bytes: Uint8Array } | { readonly stream: AsyncIterable<Uint8Array> };

/** An open file with the bytes; what had to be written for that has no name any more and goes with the handle. */
export async function spool(input: ForeignInput, where: string, limitBytes: number): Promise<FileHandle> {
  if ('path' in input) return open(input.path, 'r');
  const folder = await mkdtemp(join(tmpdir(), 'armilla-'));
  try {
    const path = join(folder, 'upload');
    const writer = await open(path, 'wx', 0o600);
    try {
      let total = 0;
      for await (const chunk of 'bytes' in input ? [input.bytes] : input.stream) {
        total += chunk.length;
        if (total > limitBytes)
          throw fail('MESSAGE_TOO_LARGE', {
            where,
            got: `more than ${formatBytes(limitBytes)}`,
            limit: formatBytes(limitBytes),
          });
        for (let at = 0; at < chunk.length;) at += (await writer.write(chunk, at, chunk.length - at)).bytesWritten;
      }
    } finally {
      await writer.close();
    }
    return await open(path, 'r');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

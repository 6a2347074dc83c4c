import { readFile, stat } from 'node:fs/promises';
import { fail, formatBytes } from '@armilla/base';
import { parseMoc } from '@armilla/sky';
import type { MatchTask } from './flags.js';

/** A coverage map of more bytes is no file to read as a whole. */
const MAX_BYTES = 2 ** 26;

/** The task with the coverage map of its file as the area. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE or MOC_INVALID. */
export async function withMoc(task: MatchTask): Promise<MatchTask> {
  const { mocPath, options } = task;
  if (mocPath === undefined) return task;
  const bytes = await readWhole(mocPath);
  return { ...task, options: { ...options, area: parseMoc(bytes, mocPath) } };
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES)
      throw fail('MOC_INVALID', {
        where: path,
        detail: `it has ${formatBytes(size)}, at most ${formatBytes(MAX_BYTES)} are read; degrade it to a lower order`,
      });
    return await readFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw fail('INPUT_NOT_FOUND', { where: path }, { cause: error });
    if (code === undefined || !code.startsWith('E')) throw error;
    throw fail('INPUT_UNREADABLE', { where: path, detail: message }, { cause: error });
  }
}

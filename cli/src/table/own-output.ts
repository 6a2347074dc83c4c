import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fail } from '@armilla/base';
import { expandPath, isSameFile } from '@armilla/tables';
import { STANDARD } from './flags.js';

/** Where something is written; of a HATS catalog a folder. */
interface Output {
  readonly path: string;
  readonly format?: string;
}

/**
 * Refuses an output that replaces one of the inputs, or lies in an input folder and would be part of that table from then on: a slip of the
 * hand more often than a wish. By whatever names these go. Throws OPTIONS_CONFLICT, and the problems of inputs that are not there.
 */
export async function refuseOwnOutput(
  inputs: readonly string[],
  { path, format }: Output,
  signal: AbortSignal,
): Promise<void> {
  if (path === STANDARD) return;
  const places = await placesOf(path);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  for (const input of inputs) {
    if (input === STANDARD) continue;
    const folder = await folderOf(input);
    if (folder !== undefined && places.some((place) => isWithin(place, folder)))
      throw fail('OPTIONS_CONFLICT', {
        detail: `'${path}' lies in '${input}', which is an input: it would be part of that table; give the output a place elsewhere`,
      });
    // What is not there yet is no file of an input.
    if (!isThere) continue;
    for (const file of await expandPath(input)) {
      signal.throwIfAborted();
      if (!(await isSameFile(file, path)) && !(format === 'hats' && (await isBelow(file, path)))) continue;
      throw fail('OPTIONS_CONFLICT', {
        detail: `'${path}' is the output and an input; give the output another name`,
      });
    }
  }
}

/** Where a path leads that may not be there yet: by the link that it is, and by what that points at. */
async function placesOf(path: string): Promise<string[]> {
  const [itself, target] = await Promise.all([placeOf(path), realpath(path).catch(() => undefined)]);
  return target === undefined ? [itself] : [itself, target];
}

/** The real path of the deepest folder above `path` that is there, and the rest. */
async function placeOf(path: string): Promise<string> {
  const bare = path.replace(/(.)\/+$/, '$1');
  const name = basename(bare);
  const folder = dirname(bare);
  // The last part may be a link to elsewhere, which the output would replace; `..` is none.
  if (name === '.' || name === '..') return realpath(bare).catch(() => bare);
  const real = await realpath(folder).catch(() => undefined);
  if (real !== undefined) return join(real, name);
  return folder === bare ? bare : join(await placeOf(folder), name);
}

/** The real path of an input that is a folder. */
async function folderOf(input: string): Promise<string | undefined> {
  const real = await realpath(input).catch(() => undefined);
  return real !== undefined && (await stat(real)).isDirectory() ? real : undefined;
}

/** Whether a file lies in a folder, by whatever name; false where one of them is not there. */
async function isBelow(file: string, folder: string): Promise<boolean> {
  const [inner, outer] = await Promise.all([file, folder].map((path) => realpath(path).catch(() => undefined)));
  return inner !== undefined && outer !== undefined && isWithin(inner, outer);
}

/** Of real paths. */
function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way !== '..' && !way.startsWith(`..${sep}`);
}

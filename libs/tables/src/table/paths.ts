import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '@armilla/base';
import { findCatalog, partitionFiles } from '../hats/catalog.js';
import { type Format, formatOfName } from './format.js';
import { readError } from './input.js';

/**
 * The files that a path, glob or folder stands for, in name order, those of a HATS catalog in that of its partitions; a file that exists is
 * itself, whatever characters its name has.
 */
export async function expandPath(path: string): Promise<string[]> {
  try {
    const found = await stat(path);
    if (!found.isDirectory()) return [path];
    const catalog = await findCatalog(path);
    return catalog ? (await partitionFiles(catalog)).flatMap(({ paths }) => paths) : await filesOfFolder(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw readError(error, path);
  }
  // Few calls have a pattern; the others start sooner without this.
  const { glob, isDynamicPattern } = await import('tinyglobby');
  if (!isDynamicPattern(path)) throw fail('INPUT_NOT_FOUND', { where: path });
  const matches = await glob(path, { onlyFiles: true, dot: false, expandDirectories: false });
  if (matches.length === 0) throw fail('INPUT_NOT_FOUND', { where: path });
  return matches.sort(byName);
}

/**
 * The tables in a folder and below it. Hidden files and those whose name starts with "_" (as the metadata of a data set) are no
 * tables; where Parquet lies beside other formats, the Parquet files are the table.
 */
async function filesOfFolder(folder: string): Promise<string[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/^[._]/.test(entry.name) && readable(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const formats = new Set(files.map((file) => formatOfName(file) as Format));
  if (formats.has('parquet')) return inFolder(files.filter((file) => formatOfName(file) === 'parquet'));
  if (formats.size > 1) {
    const detail = `the folder holds ${[...formats].sort().join(' and ')} files; give a pattern, such as '${join(folder, `*.${[...formats][0]}`)}'`;
    throw fail('INPUT_UNREADABLE', { where: folder, detail });
  }
  if (files.length === 0) throw fail('INPUT_UNREADABLE', { where: folder, detail: 'there is no table in this folder' });
  return inFolder(files);
}

/** A HATS catalog keeps its rows below `dataset`; other Parquet files of it (statistics) are about the catalog. */
function inFolder(files: string[]): string[] {
  const rows = files.filter((file) => /[\\/]dataset[\\/]/.test(file));
  return (rows.length > 0 ? rows : files).sort(byName);
}

function readable(name: string): boolean {
  const format = formatOfName(basename(name));
  return format !== undefined && format !== 'jsonl';
}

/** By code points, so that the order is the same on every machine. */
const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, isProblem } from '@armilla/base';
import { readError } from '../table/input.js';
import { type CatalogProperties, catalogProperties, isCatalog, primaryTable } from './catalog-properties.js';
import { metadataPartitions } from './metadata-partitions.js';
import { type HatsPartition, PartitionInfo } from './partition-info.js';
import { partitionPath, pixelName } from './pixel.js';
import { MAX_PROPERTIES_BYTES, parseProperties, type Properties } from './properties.js';

const MAX_PARTITION_INFO_BYTES = 256 << 20;
/** Calls of the file system at a time. */
const CALLS_AT_ONCE = 64;

export const PARTITION_INFO = 'partition_info.csv';
export const DATASET = 'dataset';
export const METADATA = '_metadata';
export const COMMON_METADATA = '_common_metadata';
/** Both hold the same: readers of some versions look for one, some for the other. */
export const PROPERTIES_FILES = ['hats.properties', 'properties'] as const;
const COLLECTION_FILE = 'collection.properties';

/** A HATS catalog on this machine: what it says of itself, and which files hold its rows. */
export interface HatsCatalog {
  /** As it was given: the folder of the catalog, or of a collection that it is the primary table of. */
  readonly where: string;
  /** The folder of the catalog. */
  readonly folder: string;
  readonly properties: CatalogProperties;
  readonly partitions: readonly HatsPartition[];
}

/** Files of one partition. */
export interface PartitionFiles {
  readonly partition: HatsPartition;
  readonly paths: readonly string[];
}

/**
 * The catalog in a folder; undefined where the folder is none. A collection stands for its primary table. Throws HATS_INVALID and
 * HATS_UNSUPPORTED for a catalog that cannot be read.
 */
export async function findCatalog(folder: string): Promise<HatsCatalog | undefined> {
  const own = await catalogIn(folder, folder);
  if (own) return own;
  const where = join(folder, COLLECTION_FILE);
  const bytes = await readSmall(where, MAX_PROPERTIES_BYTES);
  if (!bytes) return undefined;
  const primary = primaryTable(parseProperties(bytes, where), where);
  const found = await catalogIn(join(folder, primary), folder);
  if (found) return found;
  throw fail('HATS_INVALID', { where, detail: `its catalog '${primary}' is not there, or has no properties` });
}

async function catalogIn(folder: string, where: string): Promise<HatsCatalog | undefined> {
  const found = await propertiesIn(folder);
  if (!found || !isCatalog(found.properties)) return undefined;
  const properties = catalogProperties(found.properties, found.path);
  const { partitions } = await partitionsIn(folder);
  return { where, folder, properties, partitions };
}

/** Whether a folder has the properties of a catalog, whatever else is wrong with it. */
export async function isCatalogFolder(folder: string): Promise<boolean> {
  const found = await propertiesIn(folder).catch((error: unknown) => {
    if (isProblem(error)) return undefined;
    throw error;
  });
  return found !== undefined && isCatalog(found.properties);
}

async function propertiesIn(folder: string): Promise<{ path: string; properties: Properties } | undefined> {
  for (const name of PROPERTIES_FILES) {
    const path = join(folder, name);
    const bytes = await readSmall(path, MAX_PROPERTIES_BYTES);
    if (bytes) return { path, properties: parseProperties(bytes, path) };
  }
  return undefined;
}

async function partitionsIn(folder: string): Promise<PartitionInfo> {
  const path = join(folder, PARTITION_INFO);
  const bytes = await readSmall(path, MAX_PARTITION_INFO_BYTES);
  if (bytes) return PartitionInfo.parse(new TextDecoder().decode(bytes), path);
  const metadata = join(folder, DATASET, METADATA);
  if (await isFile(metadata)) return metadataPartitions(metadata);
  const detail = `there is neither ${PARTITION_INFO} nor ${DATASET}/${METADATA}, which list its partitions`;
  throw fail('HATS_INVALID', { where: folder, detail });
}

/** The files of all partitions, in order. Throws HATS_PARTITION_MISSING with the first one that is not there. */
export async function partitionFiles({ folder, properties, partitions }: HatsCatalog): Promise<PartitionFiles[]> {
  const { suffix } = properties;
  const places = partitions.map((partition) => join(folder, DATASET, partitionPath(partition, suffix)));
  const isThere = suffix === '/' ? undefined : await filesAmong(places);
  const found = await inTurns(partitions, CALLS_AT_ONCE, async (partition, i): Promise<PartitionFiles> => {
    const path = places[i];
    return { partition, paths: !isThere ? await filesIn(path) : isThere.has(path) ? [path] : [] };
  });
  const missing = found.filter(({ paths }) => paths.length === 0);
  if (missing.length > 0) {
    const [{ partition }] = missing;
    throw fail('HATS_PARTITION_MISSING', {
      where: folder,
      partition: pixelName(partition),
      path: join(DATASET, partitionPath(partition, suffix)),
      count: missing.length,
      total: partitions.length,
    });
  }
  return found;
}

/** Those of the paths that are files: a folder is listed once, since a call for each of its files takes ten times as long. */
async function filesAmong(paths: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  await inTurns([...new Set(paths.map((path) => dirname(path)))], CALLS_AT_ONCE, async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(nothingThere(folder));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) found.add(path);
    }
  });
  return found;
}

/** For a folder that is not there, or none; throws what else is wrong with it. */
function nothingThere(path: string): (error: unknown) => never[] {
  return (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw readError(error, path);
  };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(nothingThere(folder));
  const names = entries.filter((entry) => !entry.isDirectory() && !/^[._]/.test(entry.name)).map(({ name }) => name);
  return names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map((name) => join(folder, name));
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw readError(error, path);
  }
}

/** A file of at most so many bytes; undefined where there is none. */
async function readSmall(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    if (found.size > maxBytes)
      throw fail('HATS_INVALID', { where: path, detail: `it has ${found.size} bytes, at most ${maxBytes} are read` });
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw readError(error, path);
  }
}

/** The results of `call` for each item in order, so many calls under way at a time. */
export async function inTurns<T, R>(
  items: readonly T[],
  atOnce: number,
  call: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await call(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return results;
}

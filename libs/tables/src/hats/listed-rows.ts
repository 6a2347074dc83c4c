import { join } from 'node:path';
import { isProblem } from '@armilla/base';
import { parquetProblem } from '../parquet/format/fault.js';
import { rowGroupFiles } from '../parquet/read/row-group-files.js';
import { FileSource } from '../parquet/source.js';
import { DATASET, type HatsCatalog, METADATA } from './catalog.js';
import type { HatsPartition } from './partition-info.js';

/** A file of a partition. */
export interface ListedFile {
  readonly path: string;
  readonly partition: HatsPartition;
}

/**
 * The rows of each file by what the catalog lists: `partition_info.csv`, else `_metadata`. Undefined where it does not list all of them, or where
 * they are not as many as its properties say: only the files themselves tell then.
 */
export async function listedRowCounts(
  catalog: HatsCatalog,
  files: readonly ListedFile[],
): Promise<readonly number[] | undefined> {
  const wanted = catalog.properties.rowCount;
  if (wanted === undefined) return undefined;
  for (const find of [ofPartitions, ofMetadata]) {
    const counts = await find(catalog, files);
    if (counts && counts.reduce((sum, count) => sum + count, 0) === wanted) return counts;
  }
  return undefined;
}

function ofPartitions({ partitions }: HatsCatalog, files: readonly ListedFile[]): number[] | undefined {
  // Rows of a partition in several files are known together only.
  if (files.length !== partitions.length) return undefined;
  const counts = files.flatMap(({ partition: { rowCount } }) => rowCount ?? []);
  return counts.length === files.length ? counts : undefined;
}

async function ofMetadata({ folder }: HatsCatalog, files: readonly ListedFile[]): Promise<number[] | undefined> {
  const dataset = join(folder, DATASET);
  const rows = new Map<string, number>();
  for (const { path, rowCount } of await rowGroupsOf(join(dataset, METADATA))) {
    const place = join(dataset, path);
    rows.set(place, (rows.get(place) ?? 0) + rowCount);
  }
  const counts = files.flatMap(({ path }) => rows.get(path) ?? []);
  return counts.length === files.length ? counts : undefined;
}

/** None where there are no metadata, or broken ones: the rows do not depend on them. */
async function rowGroupsOf(path: string): Promise<readonly { readonly path: string; readonly rowCount: number }[]> {
  try {
    const source = await FileSource.open(path);
    try {
      return await rowGroupFiles(source);
    } catch (error) {
      throw parquetProblem(error, path);
    } finally {
      await source.close();
    }
  } catch (error) {
    if (!isProblem(error)) throw error;
    return [];
  }
}

import { fail } from '@armilla/base';
import { parquetProblem } from '../parquet/format/fault.js';
import { rowGroupFiles } from '../parquet/read/row-group-files.js';
import { FileSource } from '../parquet/source.js';
import { type HatsPartition, PartitionInfo } from './partition-info.js';
import { pixelOfPath } from './pixel.js';

/** The partitions of a catalog by its `_metadata`, which names the file of each row group. Throws HATS_INVALID and PARQUET_INVALID. */
export async function metadataPartitions(path: string): Promise<PartitionInfo> {
  const source = await FileSource.open(path);
  try {
    const found = new Map<string, HatsPartition & { rowCount: number }>();
    for (const { path: file, rowCount } of await rowGroupFiles(source)) {
      const pixel = pixelOfPath(file);
      if (!pixel)
        throw fail('HATS_INVALID', { where: path, detail: `'${file.slice(0, 200)}' is no file of a partition` });
      const key = `${pixel.order} ${pixel.number}`;
      const known = found.get(key);
      if (known) known.rowCount += rowCount;
      else found.set(key, { ...pixel, rowCount });
    }
    return PartitionInfo.of([...found.values()], path);
  } catch (error) {
    throw parquetProblem(error, path);
  } finally {
    await source.close();
  }
}

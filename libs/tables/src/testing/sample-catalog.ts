import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RecordBatch, Schema, tableFromArrays } from 'apache-arrow';
import { partitionPath } from '../hats/pixel.js';
import { encodeParquet } from '../parquet/write/encode.js';

export interface SamplePartition {
  readonly order: number;
  readonly number: number;
  /** Of each file of the partition. */
  readonly ids: readonly number[][];
}

/** Three partitions, given in another order than that of the sky: ids say in which order rows come. */
export const SAMPLE_PARTITIONS: readonly SamplePartition[] = [
  { order: 1, number: 17, ids: [[3, 4]] },
  { order: 0, number: 5, ids: [[5]] },
  { order: 0, number: 0, ids: [[0, 1, 2]] },
];

export const SAMPLE_PROPERTIES = {
  obs_collection: 'sample',
  dataproduct_type: 'object',
  hats_nrows: '6',
  hats_col_ra: 'x',
  hats_col_dec: 'y',
  hats_version: 'v1.0',
} as const;

/** A Parquet file of the columns `id`, `x` and `y`. */
export async function sampleFile(ids: readonly number[]): Promise<Uint8Array> {
  const table = tableFromArrays({
    id: BigInt64Array.from(ids, (id) => BigInt(id)),
    x: Float64Array.from(ids, (id) => id * 10),
    y: Float64Array.from(ids, (id) => -id),
  });
  return parquetOf(table.schema, table.batches);
}

export async function parquetOf(schema: Schema, batches: readonly RecordBatch[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of encodeParquet(
    schema,
    (async function* () {
      yield* batches;
    })(),
  ))
    parts.push(part);
  return Buffer.concat(parts);
}

/** Writes a catalog by hand: whatever its properties say. */
export async function writeSampleCatalog(
  folder: string,
  partitions: readonly SamplePartition[] = SAMPLE_PARTITIONS,
  properties: Readonly<Record<string, string>> = SAMPLE_PROPERTIES,
  suffix = '.parquet',
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(join(folder, 'hats.properties'), lines.join(''));
  const listed = partitions.map(({ order, number }) => `${order},${number}\n`);
  writeFileSync(join(folder, 'partition_info.csv'), `Norder,Npix\n${listed.join('')}`);
  for (const partition of partitions) {
    const path = join(folder, 'dataset', partitionPath(partition, suffix));
    mkdirSync(suffix === '/' ? path : dirname(path), { recursive: true });
    for (const [i, ids] of partition.ids.entries())
      writeFileSync(suffix === '/' ? join(path, `part-${i}.parquet`) : path, await sampleFile(ids));
  }
  return folder;
}

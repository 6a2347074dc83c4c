import { createRequire } from 'node:module';
import { formatBytes, formatCount } from '@armilla/base';
import { type HatsWritten, type MetadataSource, type RowPixels, writeHats } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { TableOutput } from './flags.js';
import type { Partitioning } from './hats-flags.js';

export interface CatalogRows {
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
  readonly pixels: RowPixels;
  readonly metadata: MetadataSource | undefined;
  /** Epoch of the positions, where it is known. */
  readonly epoch: string | undefined;
}

/** Writes rows as a HATS catalog. */
export function writeCatalog(
  { path, overwrite }: TableOutput,
  { schema, batches, pixels, metadata, epoch }: CatalogRows,
  partitioning: Partitioning,
  signal: AbortSignal,
): Promise<HatsWritten> {
  const { version } = createRequire(import.meta.url)('@armilla/cli/package.json') as { version: string };
  return writeHats(path, schema, batches, {
    ...partitioning,
    pixels,
    overwrite,
    metadata,
    properties: epoch === undefined ? undefined : { hats_coordinate_epoch: epoch },
    builder: `armilla v${version}`,
    signal,
  });
}

/** The same, adding to `count` the rows that have no position. */
export function countingPixels(pixels: RowPixels, count: { unplacedRowCount: number }): RowPixels {
  return {
    ...pixels,
    async of(batch: RecordBatch) {
      const words = await pixels.of(batch);
      for (const high of words.high) if (high < 0) count.unplacedRowCount++;
      return words;
    },
  };
}

/** Rows that are in a result and not in the catalog that it was written to, for the JSON of a summary. */
export const unplacedJson = (written: HatsWritten | undefined): { readonly unplaced_row_count?: number } =>
  written !== undefined && written.unplacedRowCount > 0 ? { unplaced_row_count: written.unplacedRowCount } : {};

/** What was written besides rows, for the summary. */
export function catalogText({ partitionCount, byteCount, unplacedRowCount }: HatsWritten): string {
  const partitions = `${formatCount(partitionCount)} partition${partitionCount === 1 ? '' : 's'}, ${formatBytes(byteCount)}`;
  if (unplacedRowCount === 0) return partitions;
  return `${partitions}; ${formatCount(unplacedRowCount)} rows without a position left out, which have no place in a catalog`;
}

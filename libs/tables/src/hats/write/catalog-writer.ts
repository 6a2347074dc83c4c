import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '@armilla/base';
import { Field, Int64, makeData, type RecordBatch, Schema } from 'apache-arrow';
import { recordBatch } from '../../arrow/decoder.js';
import { takeColumns } from '../../arrow/store/take.js';
import { columnSpec } from '../../parquet/write/column.js';
import { encodeMetadataFile, type FileRowGroups } from '../../parquet/write/metadata-file.js';
import { ParquetWriter } from '../../parquet/write/writer.js';
import { type MetadataSource, metadataOf } from '../../table/metadata.js';
import { writing } from '../../table/output.js';
import { PIXEL_COLUMN } from '../catalog-properties.js';
import { COMMON_METADATA, DATASET, METADATA, PARTITION_INFO, PROPERTIES_FILES } from '../catalog.js';
import { PartitionInfo } from '../partition-info.js';
import { type HatsPixel, partitionPath, pixelCountOf } from '../pixel.js';
import { formatProperties } from '../properties.js';
import { FolderFiles } from './folder-files.js';
import { FolderOutput } from './folder-output.js';
import { RowCounts } from './partition-plan.js';
import type { PixelWords } from './pixel-order.js';
import { SortedRuns } from './sorted-runs.js';

/** As in hats-import. */
export const DEFAULT_PARTITION_ROWS = 1_000_000;
export const DEFAULT_LARGEST_ORDER = 7;
export const MAX_LARGEST_ORDER = 10;
const SUFFIX = '.parquet';
/** Of the specification that catalogs are written by. */
const VERSION = 'v1.0';
const RELEASE_DATE = '2025-08-22';

/** Where the rows of a table lie on the sky. */
export interface RowPixels {
  /** Columns of right ascension and declination in degrees, for the properties. */
  readonly ra: string;
  readonly dec: string;
  /** Of each row; a high word of -1 for rows without a position. */
  of(batch: RecordBatch): PixelWords | Promise<PixelWords>;
}

export interface HatsWriteOptions {
  readonly pixels: RowPixels;
  /** A pixel with more rows is cut into four: at least 1. Default 1,000,000. */
  readonly partitionRows?: number;
  /** Pixels of this order are not cut, whatever they hold: [0, 10]. Default 7. */
  readonly largestOrder?: number;
  readonly overwrite?: boolean;
  /** Key-value metadata of the data set. */
  readonly metadata?: MetadataSource;
  /** More properties of the catalog, such as `hats_coordinate_epoch`. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What made the catalog. */
  readonly builder: string;
  readonly signal?: AbortSignal;
  /** Bytes of rows that are sorted in memory at a time. */
  readonly runBytes?: number;
}

export interface HatsWritten {
  readonly rowCount: number;
  readonly byteCount: number;
  readonly partitionCount: number;
  /** Rows without a position, which have no place in a catalog. */
  readonly unplacedRowCount: number;
}

/**
 * Writes rows as a HATS catalog: sorted by pixel, rows of one pixel as they came, in partitions of at most so many rows. The folder is
 * written beside its place and renamed when it is whole; rows that do not fit the memory are sorted in it. The bytes depend on the
 * rows, their order and the options only. Throws OUTPUT_EXISTS, OUTPUT_NOT_CREATED, OUTPUT_WRITE_FAILED.
 */
export async function writeHats(
  path: string,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: HatsWriteOptions,
): Promise<HatsWritten> {
  const { partitionRows = DEFAULT_PARTITION_ROWS, largestOrder = DEFAULT_LARGEST_ORDER, signal } = options;
  integerIn('partition_rows', partitionRows, 1, Number.MAX_SAFE_INTEGER);
  integerIn('largest_order', largestOrder, 0, MAX_LARGEST_ORDER);
  const stored = storedSchema(schema);
  // What cannot be written should not wait for the rows.
  for (const field of stored.fields) columnSpec(field, path);
  signal?.throwIfAborted();
  const output = await FolderOutput.create(path, options);
  const files = new FolderFiles(output.part, path);
  try {
    const scratch = join(output.part, 'sorting');
    const runs = new SortedRuns(stored, { folder: scratch, where: path, runBytes: options.runBytes, signal });
    const counts = new RowCounts(largestOrder);
    let unplacedRowCount = 0;
    for await (const batch of batches) {
      signal?.throwIfAborted();
      const { placed, words } = await placedRows(batch, stored, options.pixels);
      unplacedRowCount += batch.numRows - placed.numRows;
      counts.add(words.high);
      if (placed.numRows > 0) await runs.add(placed);
    }
    const partitions = counts.partitions(partitionRows);
    const written = await writePartitions(files, path, stored, partitions, runs.sorted(), signal);
    await writing(path, rm(scratch, { recursive: true, force: true }));
    const about = { ...options, partitionRows, path, rowCount: counts.rowCount };
    const aboutBytes = await writeAbout(files, stored, partitions, written, about);
    await files.synced();
    signal?.throwIfAborted();
    await output.commit();
    return {
      rowCount: counts.rowCount,
      byteCount: written.byteCount + aboutBytes,
      partitionCount: partitions.length,
      unplacedRowCount,
    };
  } catch (error) {
    await files.settled();
    await output.abandon();
    throw error;
  }
}

/** The columns as they are stored: the pixel first, in place of one of its name. */
function storedSchema({ fields }: Schema): Schema {
  const pixel = new Field(PIXEL_COLUMN, new Int64(), true);
  return new Schema([pixel, ...fields.filter(({ name }) => name !== PIXEL_COLUMN)]);
}

/** The rows of a batch that have a position, with their pixel. */
async function placedRows(
  batch: RecordBatch,
  schema: Schema,
  pixels: RowPixels,
): Promise<{ placed: RecordBatch; words: PixelWords }> {
  const all = await pixels.of(batch);
  const columns = batch.schema.fields.flatMap(({ name }, i) => (name === PIXEL_COLUMN ? [] : [batch.data.children[i]]));
  const rows = all.high.includes(-1) ? rowsWith(all.high) : undefined;
  const words = rows
    ? { high: rows.map((row) => all.high[row]), low: Uint32Array.from(rows, (row) => all.low[row]) }
    : all;
  const length = words.high.length;
  const values = new BigInt64Array(length);
  const halves = new Int32Array(values.buffer);
  for (let i = 0; i < length; i++) {
    halves[2 * i] = words.low[i];
    halves[2 * i + 1] = words.high[i];
  }
  const pixel = makeData({ type: new Int64(), length, nullCount: 0, data: values });
  const placed = recordBatch(schema, [pixel, ...(rows ? takeColumns(columns, rows) : columns)], length);
  return { placed, words };
}

function rowsWith(high: Int32Array): Int32Array {
  const rows = new Int32Array(high.length);
  let count = 0;
  for (let i = 0; i < high.length; i++) if (high[i] >= 0) rows[count++] = i;
  return rows.slice(0, count);
}

interface WrittenPartitions {
  readonly files: readonly FileRowGroups[];
  readonly byteCount: number;
}

/** Cuts the rows, which come in order, into the files of their partitions. */
async function writePartitions(
  folder: FolderFiles,
  where: string,
  schema: Schema,
  partitions: readonly (HatsPixel & { readonly rowCount: number })[],
  batches: AsyncGenerator<RecordBatch, void, undefined>,
  signal: AbortSignal | undefined,
): Promise<WrittenPartitions> {
  const files: FileRowGroups[] = [];
  let byteCount = 0;
  let rest: RecordBatch | undefined;
  try {
    for (const partition of partitions) {
      const path = partitionPath(partition, SUFFIX);
      const rowGroups = await folder.write(join(DATASET, path), async (sink) => {
        const writer = new ParquetWriter(schema, sink, { where, recycle: true });
        try {
          for (let missing = partition.rowCount; missing > 0;) {
            signal?.throwIfAborted();
            const batch: RecordBatch = rest ?? (await nextOf(batches));
            const count = Math.min(missing, batch.numRows);
            await writer.write(count === batch.numRows ? batch : (batch.slice(0, count) as RecordBatch));
            rest = count === batch.numRows ? undefined : (batch.slice(count) as RecordBatch);
            missing -= count;
          }
          byteCount += (await writer.finish()).byteCount;
          return writer.rowGroups;
        } finally {
          await writer.close();
        }
      });
      files.push({ path, rowGroups });
    }
    return { files, byteCount };
  } finally {
    await batches.return();
  }
}

async function nextOf(batches: AsyncGenerator<RecordBatch, void, undefined>): Promise<RecordBatch> {
  const { value, done } = await batches.next();
  if (done) throw fail('INTERNAL', { detail: 'fewer rows came back from sorting than went in' });
  return value;
}

/** Writes the files that say what the catalog is; the properties last, since without them it is none. Gives their bytes. */
async function writeAbout(
  folder: FolderFiles,
  schema: Schema,
  partitions: readonly HatsPixel[],
  { files, byteCount }: WrittenPartitions,
  about: HatsWriteOptions & { readonly path: string; readonly rowCount: number; readonly partitionRows: number },
): Promise<number> {
  const { path: where, pixels } = about;
  const metadata = await metadataOf(about.metadata, 'written');
  const encoder = new TextEncoder();
  const info = PartitionInfo.of(
    partitions.map(({ order, number }) => ({ order, number, rowCount: undefined })),
    where,
  );
  const coverage = partitions.reduce((sum, { order }) => sum + 1 / pixelCountOf(order), 0);
  const properties = new Map([
    ['obs_collection', collectionName(where)],
    ['dataproduct_type', 'object'],
    ['hats_nrows', String(about.rowCount)],
    ['hats_col_ra', pixels.ra],
    ['hats_col_dec', pixels.dec],
    ['hats_col_healpix', PIXEL_COLUMN],
    ['hats_col_healpix_order', '29'],
    ['hats_npix_suffix', SUFFIX],
    ['hats_max_rows', String(about.partitionRows)],
    ['hats_order', String(partitions.reduce((most, { order }) => Math.max(most, order), 0))],
    ['moc_sky_fraction', coverage.toFixed(5)],
    ['hats_builder', about.builder],
    ['hats_estsize', String(Math.ceil(byteCount / 1024))],
    ['hats_release_date', RELEASE_DATE],
    ['hats_version', VERSION],
    ...Object.entries(about.properties ?? {}),
  ]);
  const texts: [string, Uint8Array][] = [
    [join(DATASET, METADATA), encodeMetadataFile(schema, files, metadata)],
    [join(DATASET, COMMON_METADATA), encodeMetadataFile(schema, [], metadata)],
    [PARTITION_INFO, encoder.encode(info.toCsv())],
    ...PROPERTIES_FILES.map((name): [string, Uint8Array] => [
      name,
      encoder.encode(formatProperties('HATS catalog', properties)),
    ]),
  ];
  let aboutBytes = 0;
  for (const [name, bytes] of texts) {
    await folder.write(name, (sink) => sink(bytes));
    aboutBytes += bytes.length;
  }
  return aboutBytes;
}

/** The name of the folder, as a word. */
function collectionName(path: string): string {
  return basename(path).replace(/[^\p{L}\p{N}_.-]+/gu, '_') || 'catalog';
}

function integerIn(field: string, got: number, least: number, most: number): void {
  if (!Number.isInteger(got) || got < least || got > most)
    throw fail('OPTION_INVALID', { field, expected: `a whole number in [${least}, ${most}]`, got: String(got) });
}

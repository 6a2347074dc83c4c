import { join } from 'node:path';
import { fail, isProblem, type Problem } from '@armilla/base';
import { type RecordBatch, Schema } from 'apache-arrow';
import { lookAhead } from '../parquet/read/lookAhead.js';
import { openParquet, type ParquetReader } from '../parquet/read/reader.js';
import { FileSource } from '../parquet/source.js';
import { checkSameSchema } from '../table/concat.js';
import { PROVENANCE_KEY, type TablePart } from '../table/provenance.js';
import type { BatchOptions, DescribedPosition, TableReader } from '../table/reader.js';
import { COMMON_METADATA, DATASET, type HatsCatalog, inTurns, partitionFiles } from './catalog.js';
import { listedRowCounts } from './listed-rows.js';
import type { HatsPartition } from './partition-info.js';
import { pixelName } from './pixel.js';
import { PixelCheck } from './pixel-check.js';
import { SkippedRows } from './skipped-rows.js';

/** Files whose metadata are read at a time. */
const FILES_AT_ONCE = 16;
/** Files that are open while they are read: the metadata of the next ones come meanwhile. */
const FILES_AHEAD = 8;
/** A catalog of at most so many files has all of them looked at before the first row, which takes a tenth of a second. */
const FEW_FILES = 256;

interface PartitionFile {
  readonly path: string;
  readonly partition: HatsPartition;
  readonly rowCount: number;
  /** The number of rows is what the catalog lists; the file was not looked at. */
  readonly isListed: boolean;
}

export interface HatsOpenOptions {
  readonly signal?: AbortSignal;
  /** Catalogs of more files are opened by the row counts that they list, and a file is looked at when its rows are read. Default 256. */
  readonly fewFiles?: number;
}

/**
 * A HATS catalog as one table: its partitions in the order of the sky's nested curve. The files of a small catalog, or of one that does not
 * list their rows, are looked at before the first row is given; those of a large one in their turn.
 */
export class HatsReader implements TableReader {
  readonly format = 'parquet';
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly position: DescribedPosition | undefined;
  readonly rowCount: number;
  readonly parts: readonly TablePart[];
  /** What was left out, and of how many partitions; undefined where all of it is read. */
  readonly skipped: SkippedRows | undefined;
  readonly #files: readonly PartitionFile[];
  readonly #partitionCount: number;
  readonly #pixels: PixelCheck | undefined;

  private constructor(
    readonly catalog: HatsCatalog,
    readonly schema: Schema,
    /** Others must have its columns. */
    private readonly firstFile: ParquetReader,
    /** All files of the catalog, in order. */
    private readonly allFiles: readonly PartitionFile[],
    readonly warnings: readonly string[],
    private readonly provenance: string | undefined,
    partitions?: readonly HatsPartition[],
  ) {
    const kept = partitions && new Set(partitions);
    this.#partitionCount = kept?.size ?? catalog.partitions.length;
    this.#files = kept ? allFiles.filter(({ partition }) => kept.has(partition)) : allFiles;
    this.skipped =
      kept && new SkippedRows(allFiles.map(({ rowCount, partition }) => ({ rowCount, isRead: kept.has(partition) })));
    this.rowCount = this.#files.reduce((sum, { rowCount }) => sum + rowCount, 0);
    this.parts = allFiles.map(({ path, rowCount }) => ({ where: path, format: 'parquet', rowCount, provenance }));
    this.position = catalog.properties.position;
    this.#pixels = PixelCheck.of(catalog.properties, schema);
  }

  /**
   * Throws HATS_PARTITION_MISSING for a partition without a file, and of the files that are looked at HATS_INVALID where they do not have the
   * rows that the catalog says or rows outside their pixels, SCHEMAS_DIFFER, and the problems of Parquet files.
   */
  static async open(catalog: HatsCatalog, { signal, fewFiles = FEW_FILES }: HatsOpenOptions = {}): Promise<HatsReader> {
    const files = (await partitionFiles(catalog)).flatMap(({ partition, paths }) =>
      paths.map((path) => ({ partition, path })),
    );
    if (files.length === 0) return HatsReader.#empty(catalog);
    const first = await openFile(files[0].path);
    await first.close();
    const schema = new Schema(first.schema.fields.filter(({ name }) => !first.unreadable.has(name)));
    const listed = files.length > fewFiles ? await listedRowCounts(catalog, files) : undefined;
    const known = listed
      ? files.map((file, i): PartitionFile => ({ ...file, rowCount: listed[i], isListed: true }))
      : await lookedAt(files, first, PixelCheck.of(catalog.properties, schema), signal);
    checkRowCounts(catalog, known);
    const warnings = [...first.unreadable].map(
      ([column, obstacle]) => `${catalog.where}: column '${column}' ${obstacle}, and is left out`,
    );
    return new HatsReader(catalog, schema, first, known, warnings, await provenanceOf(catalog));
  }

  /** A catalog without a partition has its columns in `_common_metadata` alone. */
  static async #empty(catalog: HatsCatalog): Promise<HatsReader> {
    const path = join(catalog.folder, DATASET, COMMON_METADATA);
    const reader = await openFile(path);
    await reader.close();
    checkRowCounts(catalog, []);
    const schema = new Schema(reader.schema.fields.filter(({ name }) => !reader.unreadable.has(name)));
    return new HatsReader(catalog, schema, reader, [], [], await provenanceOf(catalog));
  }

  get where(): string {
    return this.catalog.where;
  }

  /** Those that are read. */
  get keptPartitionCount(): number {
    return this.#partitionCount;
  }

  /** The rows of some of the catalog's partitions alone. */
  only(partitions: readonly HatsPartition[]): HatsReader {
    const { catalog, schema, firstFile, allFiles, warnings, provenance } = this;
    return new HatsReader(catalog, schema, firstFile, allFiles, warnings, provenance, partitions);
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const columns = options.columns ?? this.schema.fields.map(({ name }) => name);
    const files = this.#files;
    const open = new Set<ParquetReader>();
    const start = async (index: number): Promise<ParquetReader> => {
      const reader = await openFile(files[index].path);
      open.add(reader);
      return reader;
    };
    const atOnce = (): number => 1;
    let index = 0;
    try {
      for await (const reader of lookAhead(files.length, start, atOnce, FILES_AHEAD, () => undefined)) {
        options.signal?.throwIfAborted();
        const file = files[index++];
        this.#checkFile(reader, file);
        if (this.#pixels) yield* this.#pixels.batches(reader, file.partition, { ...options, columns });
        else yield* reader.batches({ ...options, columns });
        open.delete(reader);
        await reader.close();
      }
    } finally {
      for (const reader of open) await reader.close();
    }
  }

  /** Whether a file is what the catalog, or an earlier look at it, says. */
  #checkFile(reader: ParquetReader, { path, partition, rowCount, isListed }: PartitionFile): void {
    if (reader.rowCount !== rowCount) {
      if (isListed) throw otherRowCount(this.catalog.where, partition, reader.rowCount, rowCount);
      const detail = `it has ${reader.rowCount} rows and had ${rowCount} before: it was changed while it was read`;
      throw fail('INPUT_UNREADABLE', { where: path, detail });
    }
    if (isListed) checkSameSchema(this.firstFile, reader, true);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The files with what their metadata say; throws what is wrong with them. */
function lookedAt(
  files: readonly { readonly path: string; readonly partition: HatsPartition }[],
  first: ParquetReader,
  pixels: PixelCheck | undefined,
  signal: AbortSignal | undefined,
): Promise<PartitionFile[]> {
  return inTurns(files, FILES_AT_ONCE, async ({ path, partition }) => {
    signal?.throwIfAborted();
    const reader = await openFile(path);
    try {
      checkSameSchema(first, reader, true);
      await pixels?.checkBounds(reader, partition);
      return { path, partition, rowCount: reader.rowCount, isListed: false };
    } finally {
      await reader.close();
    }
  });
}

async function openFile(path: string): Promise<ParquetReader> {
  return openParquet(await FileSource.open(path), { where: path });
}

/** The document of the catalog, where it carries one. */
async function provenanceOf({ folder }: HatsCatalog): Promise<string | undefined> {
  try {
    const reader = await openFile(join(folder, DATASET, COMMON_METADATA));
    await reader.close();
    return reader.schema.metadata.get(PROVENANCE_KEY);
  } catch (error) {
    // The rows do not depend on it.
    if (!isProblem(error)) throw error;
    return undefined;
  }
}

function checkRowCounts({ where, properties, partitions }: HatsCatalog, files: readonly PartitionFile[]): void {
  const ofPartitions = new Map<HatsPartition, number>();
  let total = 0;
  for (const { partition, rowCount } of files) {
    ofPartitions.set(partition, (ofPartitions.get(partition) ?? 0) + rowCount);
    total += rowCount;
  }
  for (const partition of partitions) {
    const found = ofPartitions.get(partition);
    if (partition.rowCount === undefined || partition.rowCount === found) continue;
    throw otherRowCount(where, partition, found, partition.rowCount);
  }
  if (properties.rowCount === undefined || properties.rowCount === total) return;
  const detail = `its files have ${total} rows, its properties say hats_nrows=${properties.rowCount}; it is not what was written`;
  throw fail('HATS_INVALID', { where, detail });
}

function otherRowCount(where: string, partition: HatsPartition, found: number | undefined, listed: number): Problem {
  const detail = `partition ${pixelName(partition)} has ${found} rows, ${listed} are listed; it is not what was written`;
  return fail('HATS_INVALID', { where, detail });
}

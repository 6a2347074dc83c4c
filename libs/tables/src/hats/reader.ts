import { join } from 'node:path';
import { fail, isProblem } from '@armilla/base';
import { type RecordBatch, Schema } from 'apache-arrow';
import { openParquet, type ParquetReader } from '../parquet/read/reader.js';
import { FileSource } from '../parquet/source.js';
import { checkSameSchema } from '../table/concat.js';
import { PROVENANCE_KEY, type TablePart } from '../table/provenance.js';
import type { BatchOptions, DescribedPosition, TableReader } from '../table/reader.js';
import { COMMON_METADATA, DATASET, type HatsCatalog, inTurns, partitionFiles } from './catalog.js';
import type { HatsPartition } from './partition-info.js';
import { pixelName } from './pixel.js';
import { SkippedRows } from './skipped-rows.js';

/** Files whose metadata are read at a time. */
const FILES_AT_ONCE = 16;

interface PartitionFile {
  readonly path: string;
  readonly partition: HatsPartition;
  readonly rowCount: number;
}

/**
 * A HATS catalog as one table: its partitions in the order of the sky's nested curve. Each file is looked at before the first row is
 * given; only one is open at a time.
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

  private constructor(
    readonly catalog: HatsCatalog,
    readonly schema: Schema,
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
  }

  /**
   * Throws HATS_PARTITION_MISSING for a partition without a file, HATS_INVALID where the files do not have the rows that the catalog says,
   * SCHEMAS_DIFFER, and the problems of Parquet files.
   */
  static async open(catalog: HatsCatalog, signal?: AbortSignal): Promise<HatsReader> {
    const files = (await partitionFiles(catalog)).flatMap(({ partition, paths }) =>
      paths.map((path) => ({ partition, path })),
    );
    if (files.length === 0) return HatsReader.#empty(catalog);
    const first = await openFile(files[0].path);
    await first.close();
    const known = await inTurns(files, FILES_AT_ONCE, async ({ path, partition }): Promise<PartitionFile> => {
      signal?.throwIfAborted();
      const reader = await openFile(path);
      await reader.close();
      checkSameSchema(first, reader, true);
      return { path, partition, rowCount: reader.rowCount };
    });
    checkRowCounts(catalog, known);
    const schema = new Schema(first.schema.fields.filter(({ name }) => !first.unreadable.has(name)));
    const warnings = [...first.unreadable].map(
      ([column, obstacle]) => `${catalog.where}: column '${column}' ${obstacle}, and is left out`,
    );
    return new HatsReader(catalog, schema, known, warnings, await provenanceOf(catalog));
  }

  /** A catalog without a partition has its columns in `_common_metadata` alone. */
  static async #empty(catalog: HatsCatalog): Promise<HatsReader> {
    const path = join(catalog.folder, DATASET, COMMON_METADATA);
    const reader = await openFile(path);
    await reader.close();
    checkRowCounts(catalog, []);
    const schema = new Schema(reader.schema.fields.filter(({ name }) => !reader.unreadable.has(name)));
    return new HatsReader(catalog, schema, [], [], await provenanceOf(catalog));
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
    return new HatsReader(this.catalog, this.schema, this.allFiles, this.warnings, this.provenance, partitions);
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const columns = options.columns ?? this.schema.fields.map(({ name }) => name);
    for (const { path, rowCount } of this.#files) {
      options.signal?.throwIfAborted();
      const reader = await openFile(path);
      try {
        if (reader.rowCount !== rowCount) {
          const detail = `it has ${reader.rowCount} rows and had ${rowCount} before: it was changed while it was read`;
          throw fail('INPUT_UNREADABLE', { where: path, detail });
        }
        yield* reader.batches({ ...options, columns });
      } finally {
        await reader.close();
      }
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
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
    const detail = `partition ${pixelName(partition)} has ${found} rows, ${partition.rowCount} are listed`;
    throw fail('HATS_INVALID', { where, detail: `${detail}; it is not what was written` });
  }
  if (properties.rowCount === undefined || properties.rowCount === total) return;
  const detail = `its files have ${total} rows, its properties say hats_nrows=${properties.rowCount}; it is not what was written`;
  throw fail('HATS_INVALID', { where, detail });
}

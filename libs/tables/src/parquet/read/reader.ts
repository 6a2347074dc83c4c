import { fail } from '@armilla/base';
import { type Field, type RecordBatch, Schema } from 'apache-arrow';
import type { BatchOptions, TableReader } from '../../table/reader.js';
import { prepareCodecs } from '../codec/codec.js';
import { parquetProblem, unsupported } from '../format/fault.js';
import type { Leaf } from '../format/leaf.js';
import type { FileMetadata } from '../format/metadata.js';
import { schemaTree, type SchemaNode } from '../format/tree.js';
import type { ByteSource } from '../source.js';
import { batchOf } from './batch.js';
import { decodeColumnChunk } from './chunk.js';
import { readFooter } from './footer.js';
import { checkLayout } from './layout.js';
import { columnOf, nestedKind } from './types.js';

export interface ParquetOptions {
  /** What messages call the file. */
  readonly where?: string;
  /** The columns that will be read; all when left out. Others may be nested. */
  readonly columns?: readonly string[];
}

const DEFAULT_BATCH_ROWS = 65_536;

/** Opens a Parquet file: reads and checks its metadata. Closing the reader closes the source. */
export async function openParquet(source: ByteSource, options: ParquetOptions = {}): Promise<ParquetReader> {
  const where = options.where ?? 'parquet';
  try {
    const { metadata, offset } = await readFooter(source);
    const nodes = schemaTree(metadata);
    checkLayout(metadata, nodes, offset);
    return new ParquetReader(source, where, metadata, nodes, options);
  } catch (error) {
    await source.close();
    throw parquetProblem(error, where);
  }
}

interface Column {
  readonly field: Field;
  readonly leaf: Leaf;
  readonly leafIndex: number;
}

export class ParquetReader implements TableReader {
  readonly format = 'parquet';
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly schema: Schema;
  readonly rowCount: number;
  /** Columns that are left out because they are nested, with the kind of nesting. */
  readonly skipped: ReadonlyMap<string, string>;
  readonly #columns = new Map<string, Column>();

  constructor(
    private readonly source: ByteSource,
    readonly where: string,
    readonly metadata: FileMetadata,
    nodes: readonly SchemaNode[],
    private readonly options: ParquetOptions,
  ) {
    const skipped = new Map<string, string>();
    const names = new Map<string, number>();
    for (const node of nodes) {
      names.set(node.name, (names.get(node.name) ?? 0) + 1);
      const nested = nestedKind(node);
      if (nested !== undefined) skipped.set(node.name, nested);
      else this.#columns.set(node.name, { ...columnOf(node), leafIndex: node.leafIndex });
    }
    for (const [column, count] of names) if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column, count });
    if (!options.columns && skipped.size > 0) throw this.#nested([...skipped.keys()][0], skipped);
    this.skipped = skipped;
    this.rowCount = metadata.rowCount;
    this.schema = new Schema([...this.#columns.values()].map((column) => column.field), new Map(metadata.keyValues));
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const columns = this.#select(options.columns ?? this.options.columns);
    const schema = new Schema(columns.map((column) => column.field), this.schema.metadata);
    const leaves = columns.map((column) => column.leaf);
    const batchRows = Math.max(8, (options.batchRowCount ?? DEFAULT_BATCH_ROWS) & -8);
    await prepareCodecs(new Set(this.metadata.rowGroups.flatMap((group) => group.columns.map((chunk) => chunk.codec))));
    for (const group of this.metadata.rowGroups) {
      options.signal?.throwIfAborted();
      const values = [];
      for (const { leaf, leafIndex } of columns) {
        const chunk = group.columns[leafIndex];
        const bytes = await this.#read(chunk.offset, chunk.byteLength);
        values.push(decodeColumnChunk(bytes, chunk, leaf, `${this.where}, column '${leaf.name}'`));
      }
      for (let from = 0; from < group.rowCount; from += batchRows) {
        options.signal?.throwIfAborted();
        yield batchOf(schema, leaves, values, from, Math.min(group.rowCount, from + batchRows));
      }
    }
  }

  close(): Promise<void> {
    return this.source.close();
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    try {
      return await this.source.read(offset, length);
    } catch (error) {
      throw parquetProblem(error, this.where);
    }
  }

  #select(names: readonly string[] | undefined): Column[] {
    if (!names) return [...this.#columns.values()];
    return names.map((name) => {
      const column = this.#columns.get(name);
      if (column) return column;
      if (this.skipped.has(name)) throw this.#nested(name, this.skipped);
      throw fail('COLUMN_NOT_FOUND', { where: this.where, column: name, available: [...this.#columns.keys()].join(', ') });
    });
  }

  #nested(name: string, skipped: ReadonlyMap<string, string>): Error {
    const detail = `column '${name}' is nested (${skipped.get(name)}), which is not read; choose columns without it`;
    return parquetProblem(unsupported(detail), this.where);
  }
}

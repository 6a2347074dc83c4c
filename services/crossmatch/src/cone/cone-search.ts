import type { Runtime } from '@armilla/gpu-core';
import { type TableReader } from '@armilla/tables';
import { Int64, Float64, makeData, RecordBatch, Struct, type Data, type Schema } from 'apache-arrow';
import { CatalogTable } from '../catalog-table.js';
import type { PositionColumns } from '../columns.js';
import { batchRowCount } from '../result/batches.js';
import { type ConeLayout, coneLayout } from './layout.js';
import { type ConeOptions, type ResolvedCone, resolveCone } from './options.js';
import type { ConeCounts, RowsInCone } from './rows-in-cone.js';
import { searchFile } from './search-file.js';
import { searchIndex } from './search-index.js';

export interface ConeContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
  /** What messages call a table in memory. */
  readonly where?: string;
  /** Called with the rows read so far. */
  readonly onRows?: (rowCount: number) => void;
}

/** What a cone search found. */
export interface ConeSummary extends ConeCounts {
  /** Rows of the result. */
  readonly rowCount: number;
  /** Whether the limit left rows out: the result has the nearest ones. */
  readonly overflow: boolean;
  readonly seconds: number;
  /** The position columns in use, and whether they were guessed. */
  readonly columns: PositionColumns;
}

/**
 * The rows of a table within a radius of a centre, nearest first. A table in memory is asked by its index; another is read
 * once, of which only rows in the cone stay in memory, and closed. Separations are by the expression that decides pairs.
 * Throws the problems of the options (see `resolveCone`), of columns and conditions, and MEMORY_OVER_LIMIT.
 */
export async function coneSearch(
  table: TableReader | CatalogTable,
  options: ConeOptions,
  context: ConeContext,
): Promise<ConeResult> {
  const startedMs = performance.now();
  const isResident = table instanceof CatalogTable;
  try {
    const resolved = resolveCone(options);
    const where = context.where ?? table.where;
    const layout = coneLayout(table.schema, where, resolved.columns);
    const rows = isResident
      ? await searchIndex(table, resolved, context)
      : await searchFile(table, resolved, layout.names, context);
    const summary: ConeSummary = {
      ...rows.counts,
      rowCount: rows.at.length,
      overflow: rows.at.length < rows.counts.foundRowCount,
      seconds: (performance.now() - startedMs) / 1000,
      columns: rows.columns,
    };
    return new ConeResult(layout, resolved, rows, summary, !isResident, context);
  } finally {
    if (!isResident) await table.close();
  }
}

/** The rows of a cone, to be iterated once; what is known of them is known before the first. */
export class ConeResult implements AsyncIterable<RecordBatch>, Disposable {
  constructor(
    private readonly layout: ConeLayout,
    readonly options: ResolvedCone,
    private readonly rows: RowsInCone,
    readonly summary: ConeSummary,
    private readonly ownsRows: boolean,
    private readonly context: ConeContext,
  ) {}

  get schema(): Schema {
    return this.layout.schema;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    const { at } = this.rows;
    const full = batchRowCount(this.schema);
    for (let from = 0; from < at.length; from += full) yield* this.#batches(from, Math.min(at.length, from + full));
  }

  [Symbol.dispose](): void {
    if (this.ownsRows) this.rows.payload.dispose();
  }

  /** Rows [from, to), in halves where their texts are too long for one batch. */
  async *#batches(from: number, to: number): AsyncGenerator<RecordBatch, void, undefined> {
    const { layout, rows, context } = this;
    context.signal?.throwIfAborted();
    const at = rows.at.subarray(from, to);
    if (to - from > 1 && rows.payload.variableBytes(at, layout.names) > MOST_VARIABLE_BYTES) {
      const middle = (from + to) >> 1;
      yield* this.#batches(from, middle);
      yield* this.#batches(middle, to);
      return;
    }
    const taken = await rows.payload.take(at, at.length, layout.names, context);
    const children = layout.columns.map(({ from: side, name }): Data => {
      if (side === 'table') return taken[layout.names.indexOf(name)];
      if (name === 'table_row')
        return makeData({
          type: new Int64(),
          length: at.length,
          nullCount: 0,
          data: BigInt64Array.from({ length: at.length }, (_, i) => BigInt(rows.tableRow[from + i])),
        });
      return makeData({
        type: new Float64(),
        length: at.length,
        nullCount: 0,
        data: rows.separationArcsec.slice(from, to),
      });
    });
    const { schema } = layout;
    yield new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length: at.length, nullCount: 0, children }),
    );
  }
}

/** Texts and lists of a batch: large values must not make one of gigabytes. */
const MOST_VARIABLE_BYTES = 2 ** 26;

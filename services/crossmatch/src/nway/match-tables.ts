import { fail } from '@armilla/base';
import type { TableReader } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { RowSet } from '../join.js';
import type { PositionColumns } from '../columns.js';
import { batchRowCount } from '../result/batches.js';
import { type SideSummary, summariseSide } from '../summary.js';
import { combinationRows } from './combination-rows.js';
import { gather } from './gather.js';
import { groupRows } from './group-rows.js';
import { checkNames, isResident, type LoadedTables, loadTables, type TablesInput } from './loaded-tables.js';
import { type ResolvedTables, resolveTables, type TablesOptions } from './options.js';
import { pairRows } from './pair-rows.js';
import type { RowBlock } from './row-block.js';
import type { TablesContext } from './tables-context.js';
import { askedColumns, type TablesLayout, tablesLayout } from './tables-layout.js';

/** What a match of several tables did. */
export interface TablesSummary {
  readonly tables: readonly SideSummary[];
  readonly rowCount: number;
  readonly totalSeconds: number;
  readonly workerCount: number;
  /** What the user should know about the result; empty mostly. */
  readonly warnings: readonly string[];
}

/**
 * Matches two to ten tables, which are all kept in memory, and reads them before this returns; the first one is the primary.
 * Rows come in the order of the first table. Readers are closed at the end, also of a failed match; a table that was in
 * memory before stays, and is not read unless the options say more of it than it was stored with.
 */
export async function matchTables(
  inputs: readonly TablesInput[],
  options: TablesOptions,
  context: TablesContext,
): Promise<TablesStream> {
  const started = performance.now();
  try {
    const resolved = resolveTables(options, inputs.length);
    const asked = askedColumns(inputs.length, resolved);
    // What is wrong with the columns should not wait for the tables to be read.
    const known = inputs.map((input) => (typeof input === 'function' ? undefined : describedBy(input)));
    for (const [k, table] of known.entries()) if (table) checkNames(k, table, resolved, asked);
    const schemas = known.flatMap((table) => table?.schema ?? []);
    if (schemas.length === inputs.length) tablesLayout(schemas, asked);
    const loaded = await loadTables(inputs, resolved, asked, context);
    try {
      const layout = tablesLayout(
        loaded.tables.map(({ schema }) => schema),
        asked,
      );
      return new TablesStream(loaded, resolved, layout, context, started);
    } catch (error) {
      await loaded[Symbol.asyncDispose]();
      throw error;
    }
  } finally {
    for (const input of inputs) if (typeof input !== 'function' && !isResident(input)) await input.close();
  }
}

/** The schema of the result, by those of the tables. Throws what `matchTables` throws of options and columns. */
export function tablesSchema(schemas: readonly Schema[], options: TablesOptions): Schema {
  return tablesLayout(schemas, askedColumns(schemas.length, resolveTables(options, schemas.length))).schema;
}

function describedBy(input: Exclude<TablesInput, () => unknown>): Pick<TableReader, 'schema' | 'where'> {
  return isResident(input) ? { schema: input.table.schema, where: input.where } : input;
}

/** The result of a match of several tables, to be iterated once. Leaving the loop early gives everything back. */
export class TablesStream implements AsyncIterable<RecordBatch>, AsyncDisposable {
  readonly schema: Schema;
  /** The tables, and the columns of theirs in use. */
  readonly inputs: readonly { readonly name: string; readonly rowCount: number; readonly columns: PositionColumns }[];
  #rowCount = 0;
  #ends: number | undefined;
  #begun = false;
  readonly #matched: readonly RowSet[];

  constructor(
    private readonly loaded: LoadedTables,
    readonly options: ResolvedTables,
    private readonly layout: TablesLayout,
    private readonly context: TablesContext,
    private readonly started: number,
  ) {
    this.schema = layout.schema;
    this.inputs = loaded.tables.map(({ rowCount, columns }, k) => ({ name: loaded.names[k], rowCount, columns }));
    this.#matched = loaded.tables.map(({ rowCount }) => new RowSet(rowCount));
  }

  async *[Symbol.asyncIterator](): AsyncIterator<RecordBatch, void, undefined> {
    if (this.#begun) throw new TypeError('a match can be read once');
    this.#begun = true;
    const { loaded, layout, context } = this;
    const { runtime, signal, onProgress } = context;
    try {
      for await (const batch of gather(this.#counted(), layout, loaded, batchRowCount(this.schema), {
        runtime,
        signal,
        fairKey: this,
      })) {
        signal?.throwIfAborted();
        this.#rowCount += batch.numRows;
        const [leftRowCount, ...others] = loaded.tables.map(({ rowCount }) => rowCount);
        const rightRowCount = others.reduce((sum, count) => sum + count, 0);
        onProgress?.({
          stage: 'match',
          leftRowCount,
          rightRowCount,
          resultRowCount: this.#rowCount,
          fraction: undefined,
        });
        yield batch;
      }
      this.#ends = performance.now();
    } finally {
      await loaded[Symbol.asyncDispose]();
    }
  }

  /** Gives everything back; not needed after reading to the end or leaving the loop. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#begun) await this.loaded[Symbol.asyncDispose]();
    this.#begun = true;
  }

  /** What the match did; only after the last batch. */
  summary(): TablesSummary {
    if (this.#ends === undefined) throw new TypeError('a match has its summary after its last batch');
    return {
      tables: this.loaded.tables.map((table, k) =>
        summariseSide({
          rowCount: table.rowCount,
          matchedRowCount: this.#matched[k].size,
          rejectedRowCount: table.rejectedRowCount,
          filteredRowCount: table.filteredRowCount,
          rejectedByReason: table.rejectedByReason,
          columns: table.columns,
          misfits: table.misfits,
        }),
      ),
      rowCount: this.#rowCount,
      totalSeconds: (this.#ends - this.started) / 1000,
      workerCount: this.context.execution?.workerCount ?? this.context.runtime.workerCount,
      warnings: this.loaded.tables.flatMap(({ warnings }) => warnings),
    };
  }

  #rows(): AsyncGenerator<RowBlock, void, undefined> {
    const { loaded, options, context } = this;
    const { signal, execution } = context;
    const { radiusArcsec, multi } = options;
    const search = { radiusArcsec, signal, workerCount: execution?.workerCount, fairKey: this };
    if (multi === 'pairs') return pairRows(loaded, options, search);
    return multi === 'groups' ? groupRows(loaded, options, search) : combinationRows(loaded, options, search);
  }

  /** Rows that stand beside one of another table are matched, as are those that another row of their table stands for. */
  async *#counted(): AsyncGenerator<RowBlock, void, undefined> {
    let total = 0;
    for await (const block of this.#rows()) {
      total += block.count;
      const { maxRows } = this.options;
      if (total > maxRows) throw fail('MAX_PAIRS_EXCEEDED', { estimated: `more than ${maxRows}`, limit: maxRows });
      for (let i = 0; i < block.count; i++) {
        const present = block.rows.reduce((sum, rows) => sum + (rows[i] >= 0 ? 1 : 0), 0);
        if (present > 1) for (const [k, rows] of block.rows.entries()) if (rows[i] >= 0) this.#matched[k].add(rows[i]);
      }
      for (const [k, rows] of (block.besides ?? []).entries()) for (const row of rows) this.#matched[k].add(row);
      yield block;
    }
  }
}

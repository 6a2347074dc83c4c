import {
  type ColumnPiece,
  ParquetReader,
  pickableColumn,
  pickedRowCount,
  type PickedColumn,
  type PickedRows,
  type StoredColumn,
  type TableReader,
} from '@armilla/tables';
import type { Selection } from '../join.js';
import type { RightRows } from '../parts.js';
import { type MemoryLoan, SharedMemory } from '../shared-memory.js';
import { joinedData } from './joined-data.js';
import type { Data, DataType } from 'apache-arrow';
import type { ResolvedOptions } from '../options.js';
import { computedData, type ComputedSources, lyingValues } from './computed.js';
import type { ComputedColumn, ResultLayout } from './layout.js';
import type { Payload } from './payload.js';

type Source = Exclude<ReturnType<typeof sourceOf>, undefined>;

/**
 * Says of selections where the values of their columns lie, for a writer that gathers them itself: right columns in
 * shared memory, left columns in the file that they came from, so that they are in no memory before.
 */
export class RowPicker {
  /** Rows of a row group; they depend on the schema alone, so that every run cuts alike. */
  readonly groupRowCount: number;
  readonly #releases = new WeakMap<PickedRows['columns'], Promise<void>>();
  readonly #given = new Set<Promise<void>>();
  readonly #memory = new SharedMemory();

  private constructor(
    private readonly layout: ResultLayout,
    private readonly sources: readonly Source[],
  ) {
    this.groupRowCount = pickedRowCount(layout.schema.fields);
  }

  /** Undefined where a column cannot be picked, or where left rows do not come in ascending order and each with a left side. */
  static create(
    layout: ResultLayout,
    options: ResolvedOptions,
    left: TableReader | undefined,
    right: Payload,
  ): RowPicker | undefined {
    if (!(left instanceof ParquetReader) || options.order !== 'left' || options.selfMatch !== undefined)
      return undefined;
    if (options.find === 'mutual' || options.find === 'one-to-one') return undefined;
    if (options.join !== 'inner' && !options.join.startsWith('left')) return undefined;
    const sources = layout.columns.map((column) => sourceOf(column, left, right));
    return sources.every((source) => source !== undefined) ? new RowPicker(layout, sources) : undefined;
  }

  /** One row group of all rows of `selections`, in order. */
  make(selections: readonly Selection[], computed: ComputedSources): PickedRows {
    const rowCount = selections.reduce((sum, { count }) => sum + count, 0);
    const loan = this.#memory.loan();
    const left = rowsOf(loan, rowCount);
    const right = rowsOf(loan, rowCount);
    const own = ownRightRows(selections);
    let at = 0;
    for (const selection of selections) {
      const firstRow = selection.part?.firstRow ?? 0;
      const rows = selection.left as Int32Array;
      for (let i = 0; i < rows.length; i++) left[at + i] = firstRow + rows[i];
      const base = own?.firstRow.get(selection.rightRows as RightRows) ?? 0;
      if (selection.right && base === 0) right.set(selection.right, at);
      else if (selection.right) addBase(selection.right, base, right, at);
      else right.fill(-1, at, at + selection.count);
      at += selection.count;
    }
    const columns = this.layout.columns.map((column, i): PickedColumn => {
      const source = this.sources[i];
      if (column.from === 'computed') return computedColumn(column.name, selections, computed, loan);
      if (source.from === 'file') return { ...source, rows: left };
      const lies = own ? joinedSource(own.payloads, column.name, loan) : (source as Source & { from: 'memory' });
      return { ...(lies as Source & { from: 'memory' }), rows: right };
    });
    let released: () => void = () => undefined;
    this.#releases.set(columns, new Promise<void>((resolve) => (released = resolve)));
    const release = (): void => {
      loan.end();
      released();
    };
    return { rowCount, columns, release };
  }

  /** To be told of each row group that is given out: from then on until its release its reader reads the tables. */
  give({ columns }: PickedRows): void {
    const released = this.#releases.get(columns) as Promise<void>;
    this.#given.add(released);
    void released.then(() => this.#given.delete(released));
  }

  /** When nobody reads the tables any more. */
  async released(): Promise<void> {
    await Promise.all(this.#given);
  }
}

function sourceOf(column: ResultLayout['columns'][number], left: ParquetReader, right: Payload) {
  if (column.from === 'computed') return { from: 'values' as const };
  if (column.from === 'left') {
    const stored = left.storedColumn(column.name);
    return stored && isPickable(stored) ? { from: 'file' as const, column: stored } : undefined;
  }
  return memorySource(right, column.name);
}

function memorySource(right: Payload, name: string) {
  const data = right.columnOf(name);
  const piece = data && pickableColumn(data);
  return piece && { from: 'memory' as const, column: piece };
}

/** The right rows that selections bring with them, and where those of each begin when they lie one after the other. */
function ownRightRows(
  selections: readonly Selection[],
): { readonly payloads: readonly Payload[]; readonly firstRow: ReadonlyMap<RightRows, number> } | undefined {
  const firstRow = new Map<RightRows, number>();
  let rowCount = 0;
  for (const { rightRows } of selections) {
    if (!rightRows || firstRow.has(rightRows)) continue;
    firstRow.set(rightRows, rowCount);
    rowCount += rightRows.rowCount;
  }
  if (firstRow.size === 0) return undefined;
  return { payloads: [...firstRow.keys()].map(({ payload }) => payload), firstRow };
}

/** A column chunk is decoded for each row group of the result that takes rows from it: not of files that have only a few large ones. */
const MOST_CHUNK_ROWS = 2 ** 21;

function isPickable({ chunks }: StoredColumn): boolean {
  return chunks.every(({ chunk }) => chunk.valueCount <= MOST_CHUNK_ROWS);
}

/** One column of all payloads, one after the other, in memory of the loan. */
function joinedSource(payloads: readonly Payload[], name: string, loan: MemoryLoan) {
  const pieces = payloads.map((payload) => payload.columnOf(name) as Data<DataType>);
  const column = pickableColumn(joinedData(pieces, loan));
  return column && { from: 'memory' as const, column };
}

/** Values that lie in the memory of the pairs are copied once, to that of the loan. */
function computedColumn(
  name: ComputedColumn,
  selections: readonly Selection[],
  sources: ComputedSources,
  loan: MemoryLoan,
): PickedColumn {
  const lying = selections.map((selection) => lyingValues(name, selection));
  const whole = lying.every((values) => values !== undefined) && joinedValues(lying, loan);
  if (whole) return { from: 'piece', column: whole };
  return { from: 'values', pieces: selections.map((selection) => computedData(name, selection, sources)) };
}

function joinedValues(pieces: readonly (Float64Array | BigInt64Array)[], loan: MemoryLoan): ColumnPiece {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const values = loan.bytes(8 * length);
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of pieces) {
    values.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  return { length, nullCount: 0, validity: undefined, bitOffset: 0, values, offsets: undefined };
}

/** Rows of -1 stay. */
function addBase(rows: Int32Array, base: number, out: Int32Array, at: number): void {
  for (let i = 0; i < rows.length; i++) out[at + i] = rows[i] < 0 ? -1 : rows[i] + base;
}

function rowsOf(loan: MemoryLoan, rowCount: number): Int32Array {
  return new Int32Array(loan.bytes(4 * rowCount).buffer, 0, rowCount);
}

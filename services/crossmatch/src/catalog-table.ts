import type { RowReason } from '@armilla/base';
import type { Runtime } from '@armilla/gpu-core';
import { concatPositions, type OnRejected, type Positions, RowStatus, SkyIndex } from '@armilla/sky';
import { recordBatch, type TableReader } from '@armilla/tables';
import { type RecordBatch, Schema } from 'apache-arrow';
import { neededColumns, type PositionColumns, positionColumns } from './columns.js';
import { describedPosition } from './described-tables.js';
import { FilteredRows } from './filter/filtered-rows.js';
import { RowFilter } from './filter/row-filter.js';
import type { FilteredSide } from './options.js';
import { slicePositions } from './parts.js';
import { readRows, type RejectedRow, RowInspector } from './positions.js';
import { type Astrometry, concatAstrometry, readAstrometry, voidRow } from './astrometry/astrometry.js';
import { astrometryColumns } from './astrometry/astrometry-columns.js';
import { Faults } from './astrometry/fault.js';
import { Payload } from './result/payload.js';
import type { LeftSample } from './trust/left-sample.js';
import { rotated, type Vector3 } from './trust/tangent.js';
import { spanned } from './trace.js';

export interface LoadOptions {
  readonly runtime: Runtime;
  /** The position columns; guessed where not given. */
  readonly columns?: FilteredSide;
  /** Payload columns to keep; all when undefined. */
  readonly keep?: readonly string[];
  /** Keep the positions in row order, for the modes and columns that ask for them. Default true. */
  readonly keepPositions?: boolean;
  /** Build the index. Default true. */
  readonly index?: boolean;
  /** Which side of a match it is; undefined: it is loaded for itself, to be a right side later. */
  readonly table?: 'left' | 'right';
  readonly strict?: boolean;
  readonly cellRowCount?: number;
  /** Whose budget of device memory the index counts for. */
  readonly tenant?: string;
  readonly signal?: AbortSignal;
  /** Rows expected, where the reader does not know. */
  readonly rowCount?: number;
  readonly onRejected?: (row: RejectedRow) => void;
  /** Draws from all rows. */
  readonly sample?: LeftSample;
  /** Turns the positions, about the axes of ICRS. */
  readonly turnArcsec?: Vector3;
  /** Called with the rows read so far. */
  readonly onRows?: (rowCount: number) => void;
}

/** Rows given to the index at a time. */
const SLICE_ROW_COUNT = 2 ** 18;

/** A table in memory, indexed: the right side of any number of matches, of any radius. */
export class CatalogTable implements AsyncDisposable {
  private constructor(
    readonly where: string,
    readonly schema: Schema,
    readonly columns: PositionColumns,
    readonly rowCount: number,
    readonly rejectedByReason: Readonly<Partial<Record<RowReason, number>>>,
    readonly rejectedRowCount: number,
    /** Rows that the filter leaves out; undefined without one. */
    readonly filtered: FilteredRows | undefined,
    /** Why rows with a good position take no part. */
    readonly faults: Faults,
    readonly misfits: ReadonlyMap<string, number>,
    /** What its reader has to say of it. */
    readonly warnings: readonly string[],
    readonly payload: Payload,
    readonly positions: Positions | undefined,
    readonly index: SkyIndex | undefined,
    readonly astrometry: Astrometry | undefined,
    readonly loadSeconds: number,
  ) {}

  /** Reads all of `reader`, which is closed at the end; throws what it throws, and the problems of its positions. */
  static async load(reader: TableReader, options: LoadOptions): Promise<CatalogTable> {
    const table = options.table ?? 'right';
    return spanned(`crossmatch.${options.index === false ? 'read' : 'index'}`, async (span) => {
      const start = performance.now();
      const columns = positionColumns(
        reader.schema,
        describedPosition(options.columns ?? {}, reader),
        reader.where,
        options.table,
        reader.rowCount,
      );
      const fields = reader.schema.fields.filter(
        ({ name }) => options.keep === undefined || options.keep.includes(name),
      );
      const schema = new Schema(fields, reader.schema.metadata);
      const payload = Payload.create(schema, { rowCount: options.rowCount ?? reader.rowCount });
      const inspector = new RowInspector(
        table,
        reader.where,
        columns,
        options.strict ?? false,
        options.onRejected,
        reader.skipped,
      );
      // Making the index judges the rows anyway, but only once all are there.
      const judge = options.strict || options.index === false;
      const onRejected: OnRejected | undefined = judge
        ? undefined
        : (row, ra, dec, status) => inspector.reject(row, ra, dec, status === RowStatus.POSITION_NULL, notes, row);
      const pieces: Positions[] = [];
      const astrometries: Astrometry[] = [];
      const faults = new Faults();
      const filtered = columns.filter && new FilteredRows();
      const notes = { faults, filtered };
      let rowCount = 0;
      const keepPositions = options.keepPositions ?? true;

      // Counts only grow, though the rows of a whole table are told while it is read and again while they are indexed.
      let told = 0;
      const tell = (count: number): void => {
        if (count <= told) return;
        told = count;
        options.onRows?.(count);
      };
      const names = [
        ...new Set([...fields.map(({ name }) => name), ...neededColumns(columns), ...(options.sample?.columns ?? [])]),
      ];
      async function* batches(): AsyncGenerator<RecordBatch> {
        // Straight into shared columns, where the format can.
        if (reader.readAll) yield await reader.readAll({ columns: names, signal: options.signal, onRows: tell });
        else yield* reader.batches({ columns: names, signal: options.signal });
      }
      async function* positions(): AsyncGenerator<Positions> {
        for await (const batch of batches()) {
          options.signal?.throwIfAborted();
          const rows = await readRows(batch, columns, reader.where, options.signal);
          const piece = options.turnArcsec ? rotated(rows.positions, options.turnArcsec) : rows.positions;
          payload.append(batch);
          options.sample?.addBatch(batch, piece, rows.astrometry);
          if (keepPositions) pieces.push(piece);
          if (rows.astrometry) astrometries.push(rows.astrometry);
          faults.addAll(rows.faults, rowCount);
          filtered?.append(batch.numRows, rows.filtered);
          for (let from = 0; from < batch.numRows; from += SLICE_ROW_COUNT) {
            const slice = slicePositions(piece, from, Math.min(batch.numRows, from + SLICE_ROW_COUNT));
            if (judge) inspector.inspect(slice, notes, rowCount);
            rowCount += slice.ra.length;
            tell(rowCount);
            yield slice;
          }
        }
      }

      let index: SkyIndex | undefined;
      try {
        if (options.index === false) for await (const _ of positions());
        else
          index = await SkyIndex.build(options.runtime, positions(), {
            rowCount: options.rowCount ?? reader.rowCount,
            cellRowCount: options.cellRowCount,
            tenant: options.tenant,
            onRejected,
            signal: options.signal,
          });
      } finally {
        await reader.close();
      }
      payload.seal();
      span.setAttributes({
        'armilla.row_count': rowCount,
        'armilla.cell_count': index?.cellCount ?? 0,
        'armilla.rejected_row_count': inspector.rejectedRowCount,
      });
      const seconds = (performance.now() - start) / 1000;
      const kept = keepPositions ? (pieces.length === 0 ? noPositions() : concatPositions(pieces)) : undefined;
      return new CatalogTable(
        reader.where,
        schema,
        columns,
        rowCount,
        inspector.rejectedByReason,
        inspector.rejectedRowCount,
        filtered,
        faults,
        reader.misfits,
        [...(reader.warnings ?? [])],
        payload,
        kept,
        index,
        concatAstrometry(astrometries),
        seconds,
      );
    });
  }

  /** The same table, of whose rows nothing is known but the position. */
  undescribed(): CatalogTable {
    const none = { epoch: undefined, motion: undefined, error: undefined, radius: undefined };
    return this.#with({ columns: { ...this.columns, astrometry: none }, astrometry: undefined });
  }

  /** Rows that the filter leaves out. */
  get filteredRowCount(): number {
    return this.filtered?.count ?? 0;
  }

  /** The same table, index and columns shared, with what `options` say of its rows where they say anything. */
  describedBy(options: FilteredSide, side: 'right' | undefined = 'right'): CatalogTable {
    const { ra: _ra, dec: _dec, frame: _frame, where: _where, area: _area, positiveErrors, ...rest } = options;
    if (Object.values(rest).every((name) => name === undefined))
      return positiveErrors ? this.#withoutZeroErrors() : this;
    const astrometry = astrometryColumns(this.schema, options, this.where, side);
    const faults = new Faults();
    const read = readAstrometry(this.#batch(), astrometry, faults);
    // The index has these rows: nothing is within what is not a number.
    for (const row of faults.rows()) voidRow(read, row);
    return this.#with({ columns: { ...this.columns, astrometry }, astrometry: read });
  }

  /** The same table, of which rows without an extent of their error are in no pair. */
  #withoutZeroErrors(): CatalogTable {
    const { covariances } = this.astrometry ?? {};
    if (!this.astrometry || !covariances) return this;
    const { north, cross } = covariances;
    const east = covariances.east.map((value, row) => (value * north[row] - cross[row] ** 2 > 0 ? value : NaN));
    return this.#with({ astrometry: { ...this.astrometry, covariances: { east, north, cross } } });
  }

  /**
   * The same table without the rows that `options` leave out. The index still has them, so that its pairs have to be
   * judged one by one. Throws the problems of conditions.
   */
  async filteredBy(options: FilteredSide, side: 'left' | 'right', signal?: AbortSignal): Promise<CatalogTable> {
    const filter = RowFilter.of(this.schema, options, this.where, side);
    if (!filter) return this;
    if (!this.positions) throw new TypeError('the table was loaded without its positions');
    const { ra, dec } = this.positions;
    const marks = (await filter.marks(this.#batch(), this.positions, signal)) ?? new Uint8Array(this.rowCount);
    const nulls = this.positions.nulls?.slice() ?? new Uint8Array(this.rowCount);
    for (let row = 0; row < nulls.length; row++) {
      if (this.filtered?.has(row)) marks[row] = 1;
      nulls[row] |= marks[row];
    }
    const filtered = new FilteredRows();
    filtered.append(this.rowCount, marks);
    const inspector = new RowInspector(side, this.where, this.columns, false);
    inspector.inspect({ ra, dec, nulls }, { faults: this.faults, filtered });
    const { rejectedByReason, rejectedRowCount } = inspector;
    return this.#with({ filtered, positions: { ra, dec, nulls }, rejectedByReason, rejectedRowCount });
  }

  #batch(): RecordBatch {
    return recordBatch(this.schema, this.payload.columns, this.rowCount);
  }

  #with(changed: Partial<CatalogTable>): CatalogTable {
    const all = { ...this, ...changed };
    return new CatalogTable(
      all.where,
      all.schema,
      all.columns,
      all.rowCount,
      all.rejectedByReason,
      all.rejectedRowCount,
      all.filtered,
      all.faults,
      all.misfits,
      all.warnings,
      all.payload,
      all.positions,
      all.index,
      all.astrometry,
      all.loadSeconds,
    );
  }

  /** Memory held: index, payload and positions. */
  get bytes(): number {
    return (this.index?.bytes ?? 0) + this.payload.bytes + (this.positions ? this.positions.ra.byteLength * 2 : 0);
  }

  /** Gives the memory back; no match may run on the table any more. */
  async dispose(): Promise<void> {
    this.payload.dispose();
    await this.index?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function noPositions(): Positions {
  return { ra: new Float64Array(0), dec: new Float64Array(0) };
}

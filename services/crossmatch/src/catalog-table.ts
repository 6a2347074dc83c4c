import type { RowReason } from '@armilla/base';
import type { Runtime } from '@armilla/gpu-core';
import { type Positions, SkyIndex } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { Schema } from 'apache-arrow';
import { type PositionColumns, positionColumns } from './columns.js';
import type { PositionColumnNames } from './options.js';
import { concatPositions } from './parts.js';
import { positionsOf, type RejectedRow, RowInspector } from './positions.js';
import { Payload } from './result/payload.js';
import { spanned } from './trace.js';

export interface LoadOptions {
  readonly runtime: Runtime;
  /** The position columns; guessed where not given. */
  readonly columns?: PositionColumnNames;
  /** Payload columns to keep; all when undefined. */
  readonly keep?: readonly string[];
  /** Keep the positions in row order, for the modes and columns that ask for them. Default true. */
  readonly keepPositions?: boolean;
  /** Build the index. Default true. */
  readonly index?: boolean;
  readonly table?: 'left' | 'right';
  readonly strict?: boolean;
  readonly cellRowCount?: number;
  readonly signal?: AbortSignal;
  /** Rows expected, where the reader does not know. */
  readonly rowCount?: number;
  readonly onRejected?: (row: RejectedRow) => void;
  /** Called with the rows read so far. */
  readonly onRows?: (rowCount: number) => void;
}

/** Rows that are handed to the index at a time. */
const SLICE_ROW_COUNT = 2 ** 16;

/** A table in memory, indexed: the right side of any number of matches, of any radius. */
export class CatalogTable implements AsyncDisposable {
  private constructor(
    readonly where: string,
    readonly schema: Schema,
    readonly columns: PositionColumns,
    readonly rowCount: number,
    readonly rejectedByReason: Readonly<Partial<Record<RowReason, number>>>,
    readonly rejectedRowCount: number,
    readonly misfits: ReadonlyMap<string, number>,
    readonly payload: Payload,
    readonly positions: Positions | undefined,
    readonly index: SkyIndex | undefined,
    readonly loadSeconds: number,
  ) {}

  /** Reads all of `reader`, which is closed at the end; throws what it throws, and the problems of its positions. */
  static async load(reader: TableReader, options: LoadOptions): Promise<CatalogTable> {
    const table = options.table ?? 'right';
    return spanned(`crossmatch.${options.index === false ? 'read' : 'index'}`, async (span) => {
      const start = performance.now();
      const columns = positionColumns(reader.schema, options.columns ?? {}, reader.where, table, reader.rowCount);
      const fields = reader.schema.fields.filter(({ name }) => options.keep === undefined || options.keep.includes(name));
      const schema = new Schema(fields, reader.schema.metadata);
      let payload = Payload.create(schema, reader.readAll ? 0 : (options.rowCount ?? reader.rowCount));
      const inspector = new RowInspector(table, reader.where, columns, options.strict ?? false, options.onRejected);
      const pieces: Positions[] = [];
      let rowCount = 0;
      const keepPositions = options.keepPositions ?? true;

      async function* positions(): AsyncGenerator<Positions> {
        const names = [...new Set([...fields.map(({ name }) => name), columns.ra, columns.dec])];
        if (reader.readAll) {
          const batch = await reader.readAll({ columns: names, signal: options.signal, onRows: options.onRows });
          payload = Payload.of(schema, batch);
          rowCount = batch.numRows;
          const whole = positionsOf(batch, columns);
          if (keepPositions) pieces.push(whole);
          for (let from = 0; from < rowCount; from += SLICE_ROW_COUNT) {
            options.signal?.throwIfAborted();
            const piece = slicePositions(whole, from, from + SLICE_ROW_COUNT);
            inspector.inspect(piece);
            yield piece;
          }
          return;
        }
        for await (const batch of reader.batches({ columns: names, signal: options.signal })) {
          options.signal?.throwIfAborted();
          const piece = positionsOf(batch, columns);
          inspector.inspect(piece);
          payload.append(batch);
          if (keepPositions) pieces.push(piece);
          rowCount += batch.numRows;
          options.onRows?.(rowCount);
          yield piece;
        }
      }

      let index: SkyIndex | undefined;
      try {
        if (options.index === false) for await (const _ of positions());
        else index = await SkyIndex.build(options.runtime, positions(), { rowCount: options.rowCount ?? reader.rowCount, cellRowCount: options.cellRowCount, signal: options.signal });
      } finally {
        await reader.close();
      }
      payload.seal();
      span.setAttributes({ 'armilla.row_count': rowCount, 'armilla.cell_count': index?.cellCount ?? 0, 'armilla.rejected_row_count': inspector.rejectedRowCount });
      const seconds = (performance.now() - start) / 1000;
      const kept = keepPositions ? (pieces.length === 0 ? noPositions() : concatPositions(pieces)) : undefined;
      return new CatalogTable(
        reader.where, schema, columns, rowCount, inspector.rejectedByReason, inspector.rejectedRowCount, reader.misfits, payload, kept, index, seconds,
      );
    });
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

function slicePositions({ ra, dec, nulls }: Positions, from: number, to: number): Positions {
  return { ra: ra.subarray(from, to), dec: dec.subarray(from, to), nulls: nulls?.subarray(from, to) };
}

function noPositions(): Positions {
  return { ra: new Float64Array(0), dec: new Float64Array(0) };
}

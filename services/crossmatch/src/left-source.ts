import { concatPositions, type Positions } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { neededColumns, type PositionColumns } from './columns.js';
import { FilteredRows } from './filter/filtered-rows.js';
import type { LeftPart } from './parts.js';
import { type Astrometry, concatAstrometry } from './astrometry/astrometry.js';
import { Faults } from './astrometry/fault.js';
import { readRows, type RowInspector } from './positions.js';
import { Payload, subSchema } from './result/payload.js';
import type { LeftSample } from './trust/left-sample.js';
import { rotated, type Vector3 } from './trust/tangent.js';

export interface LeftReading {
  readonly reader: TableReader;
  readonly columns: PositionColumns;
  /** Columns that the result takes. */
  readonly names: readonly string[];
  readonly firstChunkRowCount: number;
  readonly chunkRowCount: number;
  /** Give rows on when the source pauses, instead of waiting for a full chunk. */
  readonly cutEarly: boolean;
  /** The result takes the rows in ascending order, and nothing else looks at them. */
  readonly ascending: boolean;
  /** Looks at the rows before they are given on; without it they are judged by their match. */
  readonly inspector: RowInspector | undefined;
  /** Draws from all rows. */
  readonly sample: LeftSample | undefined;
  /** Turns the positions, about the axes of ICRS. */
  readonly turnArcsec: Vector3 | undefined;
  readonly signal: AbortSignal;
  readonly onRows: (rowCount: number) => void;
}

/** A pause of the source after which its rows are not held back any longer. */
const PAUSE_MS = 50;

/** The left table in parts of at most `chunkRowCount` rows, read as they are asked for. */
export async function* readParts(reading: LeftReading): AsyncGenerator<LeftPart, void, undefined> {
  const { reader, columns, names, chunkRowCount, inspector, sample, turnArcsec, signal, onRows } = reading;
  const schema = subSchema(reader.schema, names);
  let limit = reading.firstChunkRowCount;
  let firstRow = 0;
  const open = (): OpenPart => {
    const expected =
      reader.rowCount === undefined ? undefined : Math.max(0, Math.min(limit, reader.rowCount - firstRow));
    return {
      payload: Payload.create(schema, { rowCount: expected, ascending: reading.ascending }),
      pieces: [],
      astrometries: [],
      faults: new Faults(),
      filtered: columns.filter && new FilteredRows(),
      rowCount: 0,
    };
  };
  let part = open();
  const close = (): LeftPart => {
    part.payload.seal();
    const done = leftPart(firstRow, part);
    firstRow += part.rowCount;
    limit = chunkRowCount;
    part = open();
    return done;
  };
  const wanted = [
    ...new Set([...schema.fields.map(({ name }) => name), ...neededColumns(columns), ...(sample?.columns ?? [])]),
  ];
  const batches = reader.batches({ columns: wanted, signal });
  for await (const batch of reading.cutEarly ? orPause(batches, PAUSE_MS) : batches) {
    signal.throwIfAborted();
    if (batch === undefined) {
      if (part.rowCount > 0) yield close();
      continue;
    }
    for (let from = 0; from < batch.numRows;) {
      const to = Math.min(batch.numRows, from + limit - part.rowCount);
      const piece = from === 0 && to === batch.numRows ? batch : batch.slice(from, to);
      const { positions: read, astrometry, faults, filtered } = await readRows(piece, columns, reader.where, signal);
      const positions = turnArcsec ? rotated(read, turnArcsec) : read;
      sample?.addBatch(piece, positions, astrometry);
      part.payload.append(piece);
      part.pieces.push(ownPositions(positions));
      part.faults.addAll(faults, part.rowCount);
      part.filtered?.append(piece.numRows, filtered);
      inspector?.inspect(positions, part, part.rowCount);
      if (astrometry) part.astrometries.push(astrometry);
      part.rowCount += to - from;
      from = to;
      if (part.rowCount === limit) yield close();
    }
    onRows(firstRow + part.rowCount);
  }
  if (part.rowCount > 0) yield close();
}

/** Copying is cheaper than many pieces of fewer rows than this. */
const PIECE_ROW_COUNT = 2 ** 12;

interface OpenPart {
  readonly payload: Payload;
  readonly pieces: Positions[];
  readonly astrometries: Astrometry[];
  readonly faults: Faults;
  readonly filtered: FilteredRows | undefined;
  rowCount: number;
}

function leftPart(firstRow: number, { pieces, rowCount, payload, astrometries, faults, filtered }: OpenPart): LeftPart {
  let whole: Positions | undefined;
  return {
    firstRow,
    rowCount,
    payload,
    faults,
    filtered,
    astrometry: concatAstrometry(astrometries),
    pieces: rowCount < pieces.length * PIECE_ROW_COUNT ? [concatPositions(pieces)] : pieces,
    get positions() {
      return (whole ??= concatPositions(this.pieces));
    },
  };
}

/** Without the memory of what else came in the same message, where that is most of it: a part may be kept for long. */
function ownPositions(positions: Positions): Positions {
  const { ra, dec, nulls } = positions;
  const isMessage = ra.buffer === dec.buffer && ra.buffer.byteLength > 2 * (ra.byteLength + dec.byteLength);
  return isMessage ? { ra: ra.slice(), dec: dec.slice(), nulls } : positions;
}

/** The items, and once `undefined` whenever the next one keeps waiting for `pauseMs`. */
async function* orPause<T>(source: AsyncIterable<T>, pauseMs: number): AsyncGenerator<T | undefined, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  try {
    for (;;) {
      const next = items.next();
      const pause = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), pauseMs)));
      const early = await Promise.race([next, pause]);
      clearTimeout(timer);
      if (early === undefined) yield undefined;
      const { done, value } = early ?? (await next);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    await items.return?.();
  }
}

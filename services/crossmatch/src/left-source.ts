import type { Positions } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import type { PositionColumns } from './columns.js';
import { concatPositions, type LeftPart } from './parts.js';
import { positionsOf, type RowInspector } from './positions.js';
import { Payload, subSchema } from './result/payload.js';

export interface LeftReading {
  readonly reader: TableReader;
  readonly columns: PositionColumns;
  /** Columns that the result takes. */
  readonly names: readonly string[];
  readonly firstChunkRowCount: number;
  readonly chunkRowCount: number;
  readonly inspector: RowInspector;
  readonly signal: AbortSignal;
  readonly onRows: (rowCount: number) => void;
}

/** The left table in parts of `chunkRowCount` rows (the last one shorter), read as they are asked for. */
export async function* readParts(reading: LeftReading): AsyncGenerator<LeftPart, void, undefined> {
  const { reader, columns, names, chunkRowCount, inspector, signal, onRows } = reading;
  const schema = subSchema(reader.schema, names);
  const open = (): { payload: Payload; pieces: Positions[]; rowCount: number } => ({ payload: Payload.create(schema), pieces: [], rowCount: 0 });
  let limit = reading.firstChunkRowCount;
  let firstRow = 0;
  let part = open();
  const close = (): LeftPart => {
    part.payload.seal();
    const done = { firstRow, rowCount: part.rowCount, positions: concatPositions(part.pieces), payload: part.payload };
    firstRow += part.rowCount;
    limit = chunkRowCount;
    part = open();
    return done;
  };
  const wanted = [...new Set([...schema.fields.map(({ name }) => name), columns.ra, columns.dec])];
  for await (const batch of reader.batches({ columns: wanted, signal })) {
    signal.throwIfAborted();
    for (let from = 0; from < batch.numRows; ) {
      const to = Math.min(batch.numRows, from + limit - part.rowCount);
      const piece = from === 0 && to === batch.numRows ? batch : batch.slice(from, to);
      const positions = positionsOf(piece, columns);
      inspector.inspect(positions);
      part.payload.append(piece);
      part.pieces.push(positions);
      part.rowCount += to - from;
      from = to;
      if (part.rowCount === limit) yield close();
    }
    onRows(firstRow + part.rowCount);
  }
  if (part.rowCount > 0) yield close();
}

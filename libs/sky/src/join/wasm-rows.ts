import { setImmediate as turn } from 'node:timers/promises';
import { RowStatus } from '../positions/positions.js';
import { CELL, GRID, RECORD_BYTES } from './layout.js';
import type { PlainRows } from './plain.js';
import type { WasmIndex } from './wasm-index.js';

/** Byte of the row within a record: after right ascension and declination. */
const RECORD_ROW = 16;
/** Rows copied between two turns of the event loop: some milliseconds. */
const TURN_ROWS = 2 ** 17;

/** The rows of an index that take part, in the order of the table. The index has to be in use meanwhile. */
export async function rowsOfIndex(index: WasmIndex, signal?: AbortSignal): Promise<PlainRows> {
  const { heap, grid, cellCount, rowCount, status } = index;
  const ra = new Float64Array(rowCount);
  const dec = new Float64Array(rowCount);
  const cells = new DataView(heap.buffer).getUint32(grid + GRID.cells, true);
  for (let c = 0, sinceTurn = 0; c < cellCount; c++) {
    // The memory may grow, and be another buffer, at each turn.
    const view = new DataView(heap.buffer);
    const count = view.getInt32(cells + c * CELL.bytes + CELL.count, true);
    let record = view.getUint32(cells + c * CELL.bytes + CELL.rows, true);
    for (let i = 0; i < count; i++, record += RECORD_BYTES) {
      const row = view.getInt32(record + RECORD_ROW, true);
      ra[row] = view.getFloat64(record, true);
      dec[row] = view.getFloat64(record + 8, true);
    }
    if ((sinceTurn += count) < TURN_ROWS) continue;
    sinceTurn = 0;
    await turn();
    signal?.throwIfAborted();
  }
  let usableCount = 0;
  const row = new Int32Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    if (status[i] !== RowStatus.ok) continue;
    ra[usableCount] = ra[i];
    dec[usableCount] = dec[i];
    row[usableCount++] = i;
  }
  return { ra: ra.subarray(0, usableCount), dec: dec.subarray(0, usableCount), row: row.subarray(0, usableCount) };
}

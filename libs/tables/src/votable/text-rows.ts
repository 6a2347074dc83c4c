import { votableInvalid, votableUnsupported } from './fault.js';
import type { RowSink } from './row-sink.js';
import type { TokenSource } from './tokens.js';
import { xmlAttributes } from './xml.js';

const MAX_CELL_CHARS = 2 ** 24;

/** Reads the rows of TABLEDATA: gives back at each full batch, and at the end. False when there are no more. */
export async function readTextRows(source: TokenSource, rows: RowSink, where: string): Promise<boolean> {
  let cell: string | undefined;
  let cellCount = 0;
  for (;;) {
    const token = source.next();
    if (!token) {
      if (await source.more()) continue;
      throw votableInvalid(where, `it ends in row ${rows.rowNumber}`);
    }
    if (token.kind === 'text') {
      if (cell === undefined) continue;
      cell += token.text;
      if (cell.length > MAX_CELL_CHARS)
        throw votableInvalid(where, `row ${rows.rowNumber} has a cell of more than ${MAX_CELL_CHARS} characters`);
    } else if (token.name === 'TD') {
      if (token.kind === 'start') {
        if (token.attributes !== '' && xmlAttributes(token.attributes).has('encoding'))
          throw votableUnsupported(where, `row ${rows.rowNumber} has a cell with an encoding of its own`);
        cell = '';
        if (!token.empty) continue;
      }
      rows.cell(cellCount++, cell ?? '');
      cell = undefined;
    } else if (token.name === 'TR') {
      if (token.kind === 'start' && !token.empty) cellCount = 0;
      else {
        rows.endRow(cellCount);
        cellCount = 0;
        if (rows.isFull) return true;
      }
    } else if (token.kind === 'end' && token.name === 'TABLEDATA') return false;
  }
}

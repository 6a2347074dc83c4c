/** Beyond this many rows a span gets none. */
const ROW_LIMIT = 256;

export interface TimedSpan {
  readonly startNs: number;
  readonly endNs: number;
}

/**
 * Rows such that two spans of a row lie beside each other or, with `nested`, also inside each other: the row of each, or -1
 * where `ROW_LIMIT` rows are full. A span takes the first row that has room.
 */
export function layRows(spans: readonly TimedSpan[], nested: boolean): Int32Array {
  const order = spans.map((_, i) => i);
  order.sort((a, b) => spans[a].startNs - spans[b].startNs || spans[b].endNs - spans[a].endNs || a - b);
  const rows: number[][] = [];
  const rowOf = new Int32Array(spans.length).fill(-1);
  for (const i of order) {
    const { startNs, endNs } = spans[i];
    for (let row = 0; row < ROW_LIMIT; row++) {
      const ends = (rows[row] ??= []);
      while (ends.length > 0 && ends[ends.length - 1] <= startNs) ends.pop();
      if (ends.length > 0 && !(nested && endNs <= ends[ends.length - 1])) continue;
      ends.push(endNs);
      rowOf[i] = row;
      break;
    }
  }
  return rowOf;
}

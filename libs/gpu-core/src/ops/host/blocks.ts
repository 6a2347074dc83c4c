/** A block of a matrix of results: its first row and column, and how many there are. */
export interface Block {
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Largest of a block, in rows and columns. */
export interface BlockSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The largest block, about square, of which `perRow` values a row, `perColumn` a column and one a result are at most
 * `mostValues`; multiples of `multiple` where so much fits, at least one row and one column.
 */
export function largestBlock(
  mostValues: number,
  per: { readonly perRow: number; readonly perColumn: number },
  limit: BlockSize,
  multiple: number,
): BlockSize {
  const { perRow, perColumn } = per;
  // The edge n of a square: n * n + n * (perRow + perColumn) = mostValues.
  const half = (perRow + perColumn) / 2;
  const edge = mostValues === Infinity ? Infinity : Math.sqrt(half * half + mostValues) - half;
  const rows = rounded(Math.min(limit.rows, edge), multiple);
  const left = mostValues === Infinity ? Infinity : (mostValues - rows * perRow) / (rows + perColumn);
  const columns = rounded(Math.min(limit.columns, left), multiple);
  if (columns < limit.columns) return { rows, columns };
  // All columns: rows have what is left.
  const more = mostValues === Infinity ? Infinity : (mostValues - columns * perColumn) / (columns + perRow);
  return { rows: rounded(Math.min(limit.rows, more), multiple), columns };
}

/** Blocks of at most that size, row by row. */
export function blocksOf(rowCount: number, columnCount: number, { rows, columns }: BlockSize): Block[] {
  const blocks: Block[] = [];
  for (let row = 0; row < rowCount; row += rows) {
    for (let column = 0; column < columnCount; column += columns) {
      blocks.push({
        row,
        rows: Math.min(rows, rowCount - row),
        column,
        columns: Math.min(columns, columnCount - column),
      });
    }
  }
  return blocks;
}

/** Two for one across its longer side; undefined for a single result. */
export function halveBlock<B extends Block>(block: B): readonly [B, B] | undefined {
  const { row, rows, column, columns } = block;
  if (rows <= 1 && columns <= 1) return undefined;
  if (rows >= columns) {
    const first = Math.ceil(rows / 2);
    return [
      { ...block, rows: first },
      { ...block, row: row + first, rows: rows - first },
    ];
  }
  const first = Math.ceil(columns / 2);
  return [
    { ...block, columns: first },
    { ...block, column: column + first, columns: columns - first },
  ];
}

/** Copies a block of results, row-major, to its place among `columnCount` columns from `start` on. */
export function putBlock(
  out: Float32Array | Float64Array,
  start: number,
  columnCount: number,
  { row, rows, column, columns }: Block,
  results: Float32Array, // [rows, columns]
): void {
  const first = start + row * columnCount + column;
  if (columns === columnCount) return out.set(results, first);
  for (let i = 0; i < rows; i++) out.set(results.subarray(i * columns, (i + 1) * columns), first + i * columnCount);
}

function rounded(value: number, multiple: number): number {
  const whole = Math.floor(value);
  return Math.max(1, whole >= multiple ? whole - (whole % multiple) : whole);
}

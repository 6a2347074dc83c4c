import {
  BLOCK_ROWS,
  DEPTH,
  PIECE_BYTES,
  PIECE_ROWS,
  TILE_COLUMN_BYTES,
  itemOf,
  productOf,
  scratchOf,
  tileRowsOf,
} from './layout.as';
import { multiplyAddF64 } from './multiply-add.as';
import { packColumns } from './pack.as';

const BYTES: u32 = 8;
const TILE_COLUMNS: u32 = TILE_COLUMN_BYTES / BYTES;
const PIECE_COLUMNS: u32 = PIECE_BYTES / BYTES;
const LEFT_BYTES: usize = <usize>BLOCK_ROWS * DEPTH * BYTES;
const RIGHT_BYTES: usize = <usize>DEPTH * TILE_COLUMN_BYTES;

export function multiplyF64(params: usize, item: u32, control: usize, slot: u32): void {
  const what = itemOf(params, item);
  const scratch = scratchOf(params, slot);
  const end = load<u32>(what, 4);
  for (let index = load<u32>(what); index < end; index++) {
    const product = productOf(params, index);
    const rows = load<u32>(product, 12);
    const columns = load<u32>(product, 20);
    const firstRow = load<u32>(what, 8);
    const firstColumn = load<u32>(what, 12);
    tile(
      product,
      firstRow,
      min(tileRowsOf(params), rows - firstRow),
      firstColumn,
      min(TILE_COLUMNS, columns - firstColumn),
      scratch,
      control,
    );
  }
}

function tile(
  product: usize,
  firstRow: u32,
  rowCount: u32,
  firstColumn: u32,
  columnCount: u32,
  scratch: usize,
  control: usize,
): void {
  const inner = load<u32>(product, 16);
  const columns = load<u32>(product, 20);
  const packedLeft = scratch;
  const packedRight = scratch + LEFT_BYTES;
  const edge = packedRight + RIGHT_BYTES;
  const stride = <usize>columns * BYTES;
  const left = <usize>load<u32>(product) + <usize>firstRow * inner * BYTES;
  const right = <usize>load<u32>(product, 4) + <usize>firstColumn * BYTES;
  const result = <usize>load<u32>(product, 8) + (<usize>firstRow * columns + firstColumn) * BYTES;
  if (inner == 0) {
    for (let row: u32 = 0; row < rowCount; row++) memory.fill(result + row * stride, 0, <usize>columnCount * BYTES);
    return;
  }
  for (let from: u32 = 0; from < inner; from += DEPTH) {
    if (atomic.load<i32>(control, 8) != 0) return;
    const depth = min(DEPTH, inner - from);
    packColumns(right + from * stride, stride, depth, columnCount * BYTES, packedRight);
    for (let row: u32 = 0; row < rowCount; row += BLOCK_ROWS) {
      const height = min(BLOCK_ROWS, rowCount - row);
      packRows(left + (<usize>row * inner + from) * BYTES, <usize>inner * BYTES, height, depth, packedLeft);
      block(packedLeft, packedRight, height, columnCount, depth, result + row * stride, stride, edge, from > 0);
    }
  }
}

/** Packed rows times packed columns. */
function block(
  packedLeft: usize,
  packedRight: usize,
  rowCount: u32,
  columnCount: u32,
  depth: u32,
  result: usize,
  stride: usize,
  edge: usize,
  add: bool,
): void {
  for (let column: u32 = 0; column < columnCount; column += PIECE_COLUMNS) {
    const strip = packedRight + <usize>column * depth * BYTES;
    const width = min(PIECE_COLUMNS, columnCount - column);
    for (let row: u32 = 0; row < rowCount; row += PIECE_ROWS) {
      const height = min(PIECE_ROWS, rowCount - row);
      const target = result + row * stride + <usize>column * BYTES;
      const source = packedLeft + <usize>row * depth * BYTES;
      if (width == PIECE_COLUMNS && height == PIECE_ROWS) piece(source, strip, depth, target, stride, add);
      else {
        piece(source, strip, depth, edge, PIECE_BYTES, false);
        addEdge(edge, target, stride, height, width, add);
      }
    }
  }
}

/** Rows in fours: their values at each inner index lie together. Rows beyond the last are zero. */
function packRows(from: usize, stride: usize, rowCount: u32, depth: u32, to: usize): void {
  for (let row: u32 = 0; row < rowCount; row += PIECE_ROWS) {
    const r0 = from + row * stride;
    const r1 = r0 + stride;
    const r2 = r1 + stride;
    const r3 = r2 + stride;
    let p: u32 = 0;
    if (row + PIECE_ROWS <= rowCount) {
      for (; p + 2 <= depth; p += 2) {
        const at = <usize>p * BYTES;
        const a = v128.load(r0 + at);
        const b = v128.load(r1 + at);
        const c = v128.load(r2 + at);
        const d = v128.load(r3 + at);
        v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
        v128.store(to, v128.shuffle<i64>(c, d, 0, 2), 16);
        v128.store(to, v128.shuffle<i64>(a, b, 1, 3), 32);
        v128.store(to, v128.shuffle<i64>(c, d, 1, 3), 48);
        to += 64;
      }
    }
    const height = rowCount - row;
    for (; p < depth; p++) {
      const at = <usize>p * BYTES;
      store<f64>(to, load<f64>(r0 + at));
      store<f64>(to, height > 1 ? load<f64>(r1 + at) : 0, 8);
      store<f64>(to, height > 2 ? load<f64>(r2 + at) : 0, 16);
      store<f64>(to, height > 3 ? load<f64>(r3 + at) : 0, 24);
      to += 32;
    }
  }
}

function piece(a: usize, b: usize, depth: u32, to: usize, stride: usize, add: bool): void {
  let c00 = f64x2.splat(0), c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0), c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0), c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0), c31 = f64x2.splat(0);
  for (const end = b + <usize>depth * PIECE_BYTES; b < end; b += PIECE_BYTES) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load64_splat(a);
    c00 = multiplyAddF64(a0, b0, c00);
    c01 = multiplyAddF64(a0, b1, c01);
    const a1 = v128.load64_splat(a, 8);
    c10 = multiplyAddF64(a1, b0, c10);
    c11 = multiplyAddF64(a1, b1, c11);
    const a2 = v128.load64_splat(a, 16);
    c20 = multiplyAddF64(a2, b0, c20);
    c21 = multiplyAddF64(a2, b1, c21);
    const a3 = v128.load64_splat(a, 24);
    c30 = multiplyAddF64(a3, b0, c30);
    c31 = multiplyAddF64(a3, b1, c31);
    a += 32;
  }
  put(to, c00, c01, add);
  put(to + stride, c10, c11, add);
  put(to + 2 * stride, c20, c21, add);
  put(to + 3 * stride, c30, c31, add);
}

// @ts-ignore: decorator
@inline
function put(to: usize, low: v128, high: v128, add: bool): void {
  v128.store(to, add ? f64x2.add(v128.load(to), low) : low);
  v128.store(to, add ? f64x2.add(v128.load(to, 16), high) : high, 16);
}

function addEdge(from: usize, to: usize, stride: usize, height: u32, width: u32, add: bool): void {
  for (let row: u32 = 0; row < height; row++) {
    for (let column: u32 = 0; column < width; column++) {
      const at = <usize>column * BYTES;
      const value = load<f64>(from + row * PIECE_BYTES + at);
      const target = to + row * stride + at;
      store<f64>(target, add ? load<f64>(target) + value : value);
    }
  }
}

// What the host writes (../wasm.ts). Parameters, words of 4 bytes: products, items, scratch, bytes of scratch a slot, rows of
// a tile.
// A product: addresses of left, right and result, then its rows, inner length and columns. An item: first product, the
// one behind the last, first row and first column of the tile.

const PRODUCT_BYTES: usize = 24;
const ITEM_BYTES: usize = 16;

/** Rows that are packed at once, columns of a tile in bytes, and the inner length of both: they stay in the second-level cache. */
export const BLOCK_ROWS: u32 = 128;
export const TILE_COLUMN_BYTES: u32 = 1024;
export const DEPTH: u32 = 256;
/** Rows and bytes of columns of the piece that is summed in registers: eight vectors, as more of them spill. */
export const PIECE_ROWS: u32 = 4;
export const PIECE_BYTES: u32 = 32;

// @ts-ignore: decorator
@inline
export function itemOf(params: usize, item: u32): usize {
  return <usize>load<u32>(params, 4) + <usize>item * ITEM_BYTES;
}

// @ts-ignore: decorator
@inline
export function productOf(params: usize, index: u32): usize {
  return <usize>load<u32>(params) + <usize>index * PRODUCT_BYTES;
}

// @ts-ignore: decorator
@inline
export function scratchOf(params: usize, slot: u32): usize {
  return <usize>load<u32>(params, 8) + <usize>slot * <usize>load<u32>(params, 12);
}

// @ts-ignore: decorator
@inline
export function tileRowsOf(params: usize): u32 {
  return load<u32>(params, 16);
}

import { PIECE_BYTES } from './layout.as';

/**
 * Copies `depth` rows of `columnBytes` bytes, `stride` bytes apart, into strips of 32 bytes of columns: a strip holds its
 * rows one behind the other. Bytes beyond the last column are zero.
 */
export function packColumns(from: usize, stride: usize, depth: u32, columnBytes: u32, to: usize): void {
  const stripBytes = <usize>depth * PIECE_BYTES;
  let column: u32 = 0;
  // Two strips at a time read whole cache lines.
  for (; column + 64 <= columnBytes; column += 64) {
    let source = from + column;
    let target = to;
    for (let p: u32 = 0; p < depth; p++) {
      v128.store(target, v128.load(source));
      v128.store(target, v128.load(source, 16), 16);
      v128.store(target + stripBytes, v128.load(source, 32));
      v128.store(target + stripBytes, v128.load(source, 48), 16);
      source += stride;
      target += PIECE_BYTES;
    }
    to += 2 * stripBytes;
  }
  for (; column < columnBytes; column += PIECE_BYTES) {
    const width = min(PIECE_BYTES, columnBytes - column);
    let source = from + column;
    let target = to;
    for (let p: u32 = 0; p < depth; p++) {
      if (width < PIECE_BYTES) memory.fill(target, 0, PIECE_BYTES);
      for (let byte: u32 = 0; byte < width; byte += 4) store<u32>(target + byte, load<u32>(source + byte));
      source += stride;
      target += PIECE_BYTES;
    }
    to += stripBytes;
  }
}

import { decompressLz4Frame } from './lz4.js';
import { decompressZstd } from './zstd.js';

/**
 * The uncompressed bytes; exactly `length` of them, allocated once.
 * @throws RangeError saying what is wrong with the data.
 */
export function decompress(codec: 'lz4' | 'zstd', data: Uint8Array, length: number): Uint8Array {
  return codec === 'lz4' ? decompressLz4Frame(data, length) : decompressZstd(data, length);
}

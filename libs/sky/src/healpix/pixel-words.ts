import { isPosition } from '../area/area.js';
import type { Positions } from '../positions/positions.js';
import { type Pixel, pixelOf } from './pixel.js';

/**
 * The pixels of order 29 (nested) of rows, as two words each: the number is high * 2^32 + low. A row without a usable position
 * keeps what `high` has for it.
 */
export function fillPixelWords(
  { ra, dec, nulls }: Positions,
  high: Int32Array, // [rows]
  low: Uint32Array, // [rows]
): void {
  const pixel: Pixel = { high: 0, low: 0 };
  for (let i = 0; i < high.length; i++) {
    if ((nulls !== undefined && nulls[i] !== 0) || !isPosition(ra[i], dec[i])) continue;
    pixelOf(ra[i], dec[i], pixel);
    high[i] = pixel.high;
    low[i] = pixel.low;
  }
}

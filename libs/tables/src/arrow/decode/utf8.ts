import { isUtf8 } from 'node:buffer';
import { isValid, type Reachable } from './reachable.js';

/**
 * First row whose text is not UTF-8, -1 when there is none. Bytes under null rows are not looked at.
 * @param offsets [rowCount + 1] ascending, inside `values`
 * @param validity bitmap, or undefined without nulls
 */
export function firstBadText(values: Uint8Array, offsets: Int32Array, rowCount: number, validity: Uint8Array | undefined, reachable: Reachable): number {
  if (rowCount === 0) return -1;
  // One pass over all bytes; text is also bad when an offset cuts a character in two.
  if (isUtf8(values.subarray(offsets[0], offsets[rowCount])) && !cutsCharacter(values, offsets, rowCount)) return -1;
  for (let row = 0; row < rowCount; row++) {
    if (!isValid(validity, row) || isUtf8(values.subarray(offsets[row], offsets[row + 1]))) continue;
    if (!reachable || reachable(row)) return row;
  }
  return -1;
}

function cutsCharacter(values: Uint8Array, offsets: Int32Array, rowCount: number): boolean {
  const end = offsets[rowCount];
  for (let i = 0; i < rowCount; i++) {
    const at = offsets[i];
    // Bytes 10xxxxxx continue a character.
    if (at < end && (values[at] & 0xc0) === 0x80) return true;
  }
  return false;
}

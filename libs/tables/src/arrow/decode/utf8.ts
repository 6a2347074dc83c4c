import { isUtf8 } from 'node:buffer';
import type { Body } from './body.js';
import { ClearedRows, isValid, type Nulls, type Reachable } from './reachable.js';

/**
 * Looks whether the text of each row is UTF-8. Bytes under null rows are not looked at; rows under a null of the parent
 * whose bytes are no text become null themselves.
 * @param offsets [rowCount + 1] ascending, inside `values`
 * @param validity bitmap, or undefined without nulls
 */
export function checkText(
  body: Body,
  values: Uint8Array,
  offsets: Int32Array,
  rowCount: number,
  { validity, nullCount }: Nulls,
  reachable: Reachable,
  path: string,
): Nulls {
  // One pass over all bytes; text is also bad when an offset cuts a character in two.
  if (
    rowCount === 0 ||
    (isUtf8(values.subarray(offsets[0], offsets[rowCount])) && !cutsCharacter(values, offsets, rowCount))
  )
    return { validity, nullCount };
  const cleared = new ClearedRows(validity, nullCount, rowCount);
  for (let row = 0; row < rowCount; row++) {
    if (!isValid(validity, row) || isUtf8(values.subarray(offsets[row], offsets[row + 1]))) continue;
    if (!reachable || reachable(row))
      throw body.bad(`column '${path}' is text but row ${row} of the batch is not UTF-8`);
    cleared.clear(row);
  }
  return cleared;
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

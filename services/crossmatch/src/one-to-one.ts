/** All pairs of a match, ordered by (left row, key, right row), with the row counts of both tables. */
export interface AllPairs {
  readonly left: Int32Array; // [P]
  readonly right: Int32Array; // [P]
  readonly key: Float64Array; // [P] separation keys, not negative
  readonly leftRowCount: number;
  readonly rightRowCount: number;
}

/**
 * Greedy one-to-one assignment: pairs are taken by (separation key, left row, right row) while both rows are free.
 * Returns the taken pairs' positions, ascending (so by left row).
 */
export function takeGreedily({ left, right, key, leftRowCount, rightRowCount }: AllPairs): Int32Array {
  const pairCount = left.length;
  const leftDegree = new Int32Array(leftRowCount);
  const rightDegree = new Int32Array(rightRowCount);
  for (let p = 0; p < pairCount; p++) {
    leftDegree[left[p]]++;
    rightDegree[right[p]]++;
  }
  // A pair whose rows are in no other pair is taken in any order; in real catalogs few are left to sort.
  const taken = new Uint8Array(pairCount);
  const contested = new Int32Array(pairCount);
  let contestedCount = 0;
  for (let p = 0; p < pairCount; p++) {
    if (leftDegree[left[p]] === 1 && rightDegree[right[p]] === 1) taken[p] = 1;
    else contested[contestedCount++] = p;
  }
  const byKey = sortByKey(contested.subarray(0, contestedCount), key);
  const leftUsed = new Uint8Array(leftRowCount);
  const rightUsed = new Uint8Array(rightRowCount);
  for (let i = 0; i < contestedCount; i++) {
    const p = byKey[i];
    if (leftUsed[left[p]] === 1 || rightUsed[right[p]] === 1) continue;
    leftUsed[left[p]] = 1;
    rightUsed[right[p]] = 1;
    taken[p] = 1;
  }
  let count = 0;
  for (let p = 0; p < pairCount; p++) count += taken[p];
  const out = new Int32Array(count);
  for (let p = 0, i = 0; p < pairCount; p++) if (taken[p] === 1) out[i++] = p;
  return out;
}

/**
 * Stable radix sort of `positions` by key. Doubles that are not negative order like their bits; four digits of 16 bits.
 * Stability leaves equal keys in the order of the pairs, which is (left row, right row).
 */
function sortByKey(positions: Int32Array, key: Float64Array): Int32Array {
  const digits = new Uint16Array(key.buffer, key.byteOffset, key.length * 4);
  let from = positions;
  let to: Int32Array = new Int32Array(positions.length);
  const starts = new Int32Array(65_536);
  for (let digit = 0; digit < 4; digit++) {
    starts.fill(0);
    for (let i = 0; i < from.length; i++) starts[digits[from[i] * 4 + digit]]++;
    let sum = 0;
    for (let d = 0; d < 65_536; d++) {
      const count = starts[d];
      starts[d] = sum;
      sum += count;
    }
    for (let i = 0; i < from.length; i++) to[starts[digits[from[i] * 4 + digit]]++] = from[i];
    [from, to] = [to, from];
  }
  return from;
}

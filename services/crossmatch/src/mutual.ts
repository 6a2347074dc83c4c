import type { ChunkPairs, Positions, SkyIndex } from '@armilla/sky';
import { inSlices } from './ahead.js';
import { type JudgedPairs, takePositions } from './parts.js';

export interface MutualInput {
  readonly leftIndex: SkyIndex;
  readonly rightPositions: Positions;
  readonly radiusArcsec: number;
  readonly minRadiusArcsec: number;
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
}

const REVERSE_CHUNK_ROW_COUNT = 2 ** 18;

/**
 * Of the nearest pairs of the left rows, keeps those whose left row is also the nearest of the right row. Every distinct
 * right row is asked once, against all left rows: the nearest left row of a right row need not have chosen it.
 */
export async function keepMutual(
  nearest: ChunkPairs,
  { leftIndex, rightPositions, radiusArcsec, minRadiusArcsec, workerCount, signal }: MutualInput,
): Promise<ChunkPairs> {
  const asked = new Int32Array(rightPositions.ra.length).fill(-1);
  const rows = new Int32Array(nearest.pairCount);
  let rowCount = 0;
  await inSlices(nearest.pairCount, signal, (from, to) => {
    for (let p = from; p < to; p++) {
      const row = nearest.right[p];
      if (asked[row] !== -1) continue;
      asked[row] = rowCount;
      rows[rowCount++] = row;
    }
  });
  const chosen = new Int32Array(rowCount).fill(-1);
  let candidateCount = nearest.candidateCount;
  for (let from = 0; from < rowCount; from += REVERSE_CHUNK_ROW_COUNT) {
    const chunk = takePositions(
      rightPositions,
      rows.subarray(from, Math.min(rowCount, from + REVERSE_CHUNK_ROW_COUNT)),
    );
    const back = await leftIndex.match(
      chunk,
      { radiusArcsec, minRadiusArcsec, find: 'nearest', k: 1, order: 'any' },
      { workerCount, signal },
    );
    for (let p = 0; p < back.pairCount; p++) chosen[from + back.left[p]] = back.right[p];
    candidateCount += back.candidateCount;
  }
  const left = new Int32Array(nearest.pairCount);
  const right = new Int32Array(nearest.pairCount);
  const separationArcsec = new Float64Array(nearest.pairCount);
  let count = 0;
  await inSlices(nearest.pairCount, signal, (from, to) => {
    for (let p = from; p < to; p++) {
      if (chosen[asked[nearest.right[p]]] !== nearest.left[p]) continue;
      left[count] = nearest.left[p];
      right[count] = nearest.right[p];
      separationArcsec[count++] = nearest.separationArcsec[p];
    }
  });
  return {
    ...nearest,
    candidateCount,
    pairCount: count,
    left: left.subarray(0, count),
    right: right.subarray(0, count),
    separationArcsec: separationArcsec.subarray(0, count),
  };
}

/** Of all pairs within reach, by (left row, key, right row), those in which each row is the nearest of the other. */
export function keepMutualOf(all: JudgedPairs): JudgedPairs {
  const { left, right, pairCount } = all;
  const key = all.key as Float64Array;
  // Of equal keys the first pair is that of the smallest left row.
  const best = new Map<number, number>();
  for (let p = 0; p < pairCount; p++) {
    const before = best.get(right[p]);
    if (before === undefined || key[p] < key[before]) best.set(right[p], p);
  }
  const kept = new Int32Array(pairCount);
  let count = 0;
  for (let p = 0; p < pairCount; p++)
    if ((p === 0 || left[p] !== left[p - 1]) && best.get(right[p]) === p) kept[count++] = p;
  const take = <T extends Int32Array | Float64Array>(values: T): T => {
    const out = new (values.constructor as new (length: number) => T)(count);
    for (let i = 0; i < count; i++) out[i] = values[kept[i]];
    return out;
  };
  return {
    ...all,
    pairCount: count,
    left: take(left),
    right: take(right),
    separationArcsec: take(all.separationArcsec),
    key: undefined,
    judged: all.judged && new Map([...all.judged].map(([name, values]) => [name, take(values)])),
  };
}

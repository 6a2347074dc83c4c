import type { ChunkPairs } from '@armilla/sky';
import type { JudgedPairs } from '../parts.js';
import type { PairList } from './pair-list.js';

export interface Reduction {
  readonly find: 'nearest' | 'k-nearest' | 'all';
  readonly k: number;
  readonly neighbourCount: boolean;
  readonly secondSeparation: boolean;
}

/** Of all pairs that hold, those that `find` asks for, by (left row, key, right row). */
export function reducePairs(
  list: PairList,
  rowCount: number,
  { find, k, neighbourCount, secondSeparation }: Reduction,
  rest: Pick<ChunkPairs, 'status' | 'usableCount' | 'candidateCount' | 'cellCount'>,
): JudgedPairs {
  const order = list.sorted(rowCount);
  const most = find === 'nearest' ? 1 : find === 'k-nearest' ? k : Infinity;
  const kept = new Int32Array(order.length);
  const rank = find === 'k-nearest' ? new Int32Array(order.length) : undefined;
  const counts = neighbourCount ? new Int32Array(rowCount) : undefined;
  const seconds = secondSeparation ? new Float64Array(rowCount).fill(NaN) : undefined;
  let count = 0;
  let place = 0;
  for (let at = 0; at < order.length; at++) {
    const p = order[at];
    const row = list.left[p];
    place = at > 0 && list.left[order[at - 1]] === row ? place + 1 : 1;
    if (counts) counts[row]++;
    if (seconds && place === 2) seconds[row] = list.separationArcsec[p];
    if (place > most) continue;
    if (rank) rank[count] = place;
    kept[count++] = p;
  }
  const take = <T extends Int32Array | Float64Array>(values: T): T => {
    const out = new (values.constructor as new (length: number) => T)(count);
    for (let i = 0; i < count; i++) out[i] = values[kept[i]];
    return out;
  };
  return {
    ...rest,
    pairCount: count,
    left: take(list.left),
    right: take(list.right),
    separationArcsec: take(list.separationArcsec),
    key: find === 'all' ? take(list.key) : undefined,
    rank: rank?.subarray(0, count),
    neighbourCount: counts,
    secondSeparationArcsec: seconds,
    judged: new Map([...list.judged].map(([name, values]) => [name, take(values)])),
  };
}

import { fail } from '@armilla/base';
import { normaliseRa, separationKey, separationKeyFloor, separationKeyLimit, separationOfKeyArcsec } from '../separation/separation.js';
import { type ChunkPairs, type PairQuery, type Positions, RowStatus, rowStatus } from './types.js';

/** The truth, plain and slow: every left row against every right row. */
export function referencePairs(left: Positions, right: Positions, query: PairQuery): ChunkPairs {
  const limit = separationKeyLimit(query.radiusArcsec);
  const floor = separationKeyFloor(query.minRadiusArcsec);
  const rightStatus = right.ra.map((_, j) => rowStatus(right.ra[j], right.dec[j], right.nulls?.[j] === 1));
  const rightRa = right.ra.map(normaliseRa);
  const status = new Uint8Array(left.ra.length);
  const neighbourCount = new Int32Array(left.ra.length);
  const second = new Float64Array(left.ra.length).fill(NaN);
  const pairs: { left: number; right: number; key: number; rank: number }[] = [];
  for (let i = 0; i < left.ra.length; i++) {
    status[i] = rowStatus(left.ra[i], left.dec[i], left.nulls?.[i] === 1);
    if (status[i] !== RowStatus.OK) continue;
    const ra = normaliseRa(left.ra[i]);
    const own = query.selfFirstRow === undefined ? -1 : query.selfFirstRow + i;
    const found: { right: number; key: number }[] = [];
    for (let j = 0; j < right.ra.length; j++) {
      if (rightStatus[j] !== RowStatus.OK || j === own) continue;
      if (own >= 0 && query.find === 'all' && j < own) continue;
      const key = separationKey(ra, left.dec[i], rightRa[j], right.dec[j]);
      if (key <= limit && key >= floor) found.push({ right: j, key });
    }
    found.sort((a, b) => a.key - b.key || a.right - b.right);
    neighbourCount[i] = found.length;
    if (found.length > 1) second[i] = separationOfKeyArcsec(found[1].key);
    const wanted = query.find === 'all' ? found.length : query.find === 'nearest' ? 1 : query.k;
    for (const [at, pair] of found.slice(0, wanted).entries()) pairs.push({ left: i, ...pair, rank: at + 1 });
    if (query.maxPairs !== undefined && pairs.length > query.maxPairs) {
      throw fail('MAX_PAIRS_EXCEEDED', { estimated: pairs.length, limit: query.maxPairs });
    }
  }
  return {
    pairCount: pairs.length,
    left: Int32Array.from(pairs, (pair) => pair.left),
    right: Int32Array.from(pairs, (pair) => pair.right),
    separationArcsec: Float64Array.from(pairs, (pair) => separationOfKeyArcsec(pair.key)),
    key: query.find === 'all' ? Float64Array.from(pairs, (pair) => pair.key) : undefined,
    rank: query.find === 'k-nearest' ? Int32Array.from(pairs, (pair) => pair.rank) : undefined,
    neighbourCount: query.neighbourCount ? neighbourCount : undefined,
    secondSeparationArcsec: query.secondSeparation ? second : undefined,
    status,
    candidateCount: left.ra.length * right.ra.length,
    cellCount: 1,
  };
}

import { type Positions, positionStatuses } from '../positions/positions.js';
import { PlainJoin, type PlainRows, usableRows } from './plain.js';
import type { ChunkPairs, PairQuery } from './query.js';

/** The truth: every left row against every right row, in O(L R). */
export function referencePairs(left: Positions, right: Positions, query: PairQuery): ChunkPairs {
  return referencePairsOf(left, usableRows(right, positionStatuses(right)), query);
}

/** The same, where the right rows that take part are known. */
export function referencePairsOf(left: Positions, rows: PlainRows, query: PairQuery): ChunkPairs {
  const all = [0, rows.row.length] as const;
  const join = new PlainJoin(left, rows, query, () => all);
  for (let i = 0; i < left.ra.length; i++) join.joinRow(i);
  return join.result();
}

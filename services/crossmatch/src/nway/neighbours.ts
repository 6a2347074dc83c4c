import { isProblem } from '@armilla/base';
import type { Positions, SkyIndex } from '@armilla/sky';
import { slicePositions } from '../parts.js';

/** Pairs that a search may give at once. */
const MOST_PAIRS = 2 ** 22;
const MOST_ROWS = 2 ** 16;

export interface NeighbourSearch {
  readonly radiusArcsec: number;
  readonly find: 'nearest' | 'all';
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

/** Pairs of rows of a table with rows of another one, by left row. */
export interface Neighbours {
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** Rows that are looked at together; what is found does not depend on it. */
export function* rowBlocks(rowCount: number, blockRowCount = MOST_ROWS): Generator<[number, number]> {
  for (let from = 0; from < rowCount; from += blockRowCount) yield [from, Math.min(rowCount, from + blockRowCount)];
}

/** The neighbours of rows [from, to) in `index`; left rows are those of the table. */
export async function neighboursOf(
  positions: Positions,
  [from, to]: readonly [number, number],
  index: SkyIndex,
  search: NeighbourSearch,
): Promise<Neighbours> {
  const { radiusArcsec, find, ...options } = search;
  const query = { radiusArcsec, minRadiusArcsec: 0, find, k: 1, order: 'left' as const };
  // One row may have any number: who asks for it has to have room for its pairs.
  const maxPairs = to - from > 1 && find === 'all' ? MOST_PAIRS : undefined;
  try {
    const { left, right } = await index.match(slicePositions(positions, from, to), { ...query, maxPairs }, options);
    return { left: left.map((row) => row + from), right: right.slice() };
  } catch (error) {
    if (!isProblem(error) || error.reason !== 'MAX_PAIRS_EXCEEDED' || maxPairs === undefined) throw error;
  }
  const middle = (from + to) >> 1;
  const first = await neighboursOf(positions, [from, middle], index, search);
  const second = await neighboursOf(positions, [middle, to], index, search);
  return { left: joined(first.left, second.left), right: joined(first.right, second.right) };
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const out = new Int32Array(first.length + second.length);
  out.set(first);
  out.set(second, first.length);
  return out;
}

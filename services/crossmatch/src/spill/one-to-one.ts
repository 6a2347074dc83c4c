import { RowSet } from '../join.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import { memoryOverLimit } from './join-memory.js';
import { SharedMemory } from '../shared-memory.js';

/** Bytes of a pair whose rows are in other pairs as well. */
const CONTESTED_BYTES = 28;

export interface OneToOneInput {
  readonly pairs: BlockFile;
  /** By range. */
  readonly pairBlocks: readonly (readonly Block[])[];
  readonly leftRowCount: number;
  readonly rightRowCount: number;
  readonly memoryBytes: number;
  readonly signal: AbortSignal;
}

export interface OneToOneChoice {
  readonly pairCount: number;
  readonly usedRight: RowSet;
  readonly kept: KeptPairs;
}

/** Which pairs stay: a bit each, in the order of ranges and blocks. */
export interface KeptPairs {
  readonly words: Int32Array;
  /** [ranges + 1] the number of the first pair of each range. */
  readonly firstPair: readonly number[];
}

/**
 * The pairs of all ranges that are taken by (separation key, left row, right row) while both rows are free. Only those
 * whose rows are in other pairs as well are held in memory. Throws MEMORY_OVER_LIMIT.
 */
export async function chooseOneToOne(input: OneToOneInput): Promise<OneToOneChoice> {
  const { pairBlocks, leftRowCount, rightRowCount, memoryBytes } = input;
  const firstPair = [0];
  for (const blocks of pairBlocks)
    firstPair.push((blocks ?? []).reduce((sum, { rowCount }) => sum + rowCount, firstPair.at(-1) as number));
  const [once, more] = [new RowSet(rightRowCount), new RowSet(rightRowCount)];
  await eachPair(input, (_, right) => {
    if (once.has(right)) more.add(right);
    else once.add(right);
  });
  const kept = new RowSet(firstPair.at(-1) as number);
  const usedRight = new RowSet(rightRowCount);
  const contested: Contested = { key: [], left: [], right: [], pair: [] };
  const most = Math.floor(memoryBytes / CONTESTED_BYTES);
  let contestedCount = 0;
  await eachPair(input, (left, right, key, pair, isAlone) => {
    if (isAlone && !more.has(right)) {
      kept.add(pair);
      usedRight.add(right);
      return;
    }
    // Those that are too many are only counted, to tell what would do.
    if (++contestedCount > most) return;
    contested.key.push(key);
    contested.left.push(left);
    contested.right.push(right);
    contested.pair.push(pair);
  });
  if (contestedCount > most) throw memoryOverLimit(contestedCount * CONTESTED_BYTES, memoryBytes);
  takeInOrder(contested, new RowSet(leftRowCount), usedRight, kept);
  return { pairCount: kept.size, usedRight, kept: { words: kept.words, firstPair } };
}

interface Contested {
  readonly key: number[];
  readonly left: number[];
  readonly right: number[];
  readonly pair: number[];
}

function takeInOrder({ key, left, right, pair }: Contested, usedLeft: RowSet, usedRight: RowSet, kept: RowSet): void {
  const order = Uint32Array.from(key, (_, i) => i).sort(
    (a, b) => key[a] - key[b] || left[a] - left[b] || right[a] - right[b],
  );
  for (const i of order) {
    if (usedLeft.has(left[i]) || usedRight.has(right[i])) continue;
    usedLeft.add(left[i]);
    usedRight.add(right[i]);
    kept.add(pair[i]);
  }
}

/** All pairs, range by range; `isAlone`: the left row is in no other pair. Those of a left row are in one block. */
async function eachPair(
  { pairs, pairBlocks, signal }: OneToOneInput,
  visit: (left: number, right: number, key: number, pair: number, isAlone: boolean) => void,
): Promise<void> {
  let pair = 0;
  const memory = new SharedMemory();
  for (const blocks of pairBlocks) {
    const loan = memory.loan();
    for await (const { data, numRows } of pairs.read(blocks ?? [], loan, { signal })) {
      const [left, , right, key] = data.children.map(({ values }) => values as Int32Array | Float64Array);
      for (let i = 0; i < numRows; i++, pair++) {
        const isAlone = (i === 0 || left[i - 1] !== left[i]) && (i + 1 === numRows || left[i + 1] !== left[i]);
        visit(left[i], right[i], key[i], pair, isAlone);
      }
    }
    loan.end();
  }
}

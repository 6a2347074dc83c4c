import { positionStatuses, RowStatus } from '@armilla/sky';
import { groupBlock } from '../blocks.js';
import { type RowGroups, Groups } from '../groups.js';
import type { LeftPart, PairBlock } from '../parts.js';
import { SharedMemory } from '../shared-memory.js';
import type { PairFiles } from './range-blocks.js';

/** Bytes of a row while groups are made, and of its group afterwards. */
export const GROUP_ROW_BYTES = 8;

/** The groups that the links of all buckets make of the rows of a table; unusable rows are groups of their own. */
export async function groupsOfLinks(
  { pairs, pairBlocks }: Pick<PairFiles, 'pairs' | 'pairBlocks'>,
  rowCount: number,
  unusableRowCount: number,
  signal: AbortSignal,
): Promise<RowGroups> {
  const groups = new Groups(rowCount);
  const memory = new SharedMemory();
  for (const blocks of pairBlocks) {
    const loan = memory.loan();
    for await (const { data, numRows } of pairs.read(blocks ?? [], loan, { signal })) {
      const [left, , right] = data.children.map(({ values }) => values as Int32Array);
      groups.connect(left, right, 0, 0, numRows);
    }
    loan.end();
  }
  const made = groups.finish(() => false);
  return { ...made, groupCount: made.groupCount - unusableRowCount };
}

/** The rows of a part that are in a group; takes those that cannot be in one from theirs. */
export function groupedPart(part: LeftPart, { id }: RowGroups, keepsRejected: boolean): PairBlock {
  const status = positionStatuses(part.positions);
  for (let row = 0; row < status.length; row++) if (status[row] !== RowStatus.ok) id[part.firstRow + row] = -1;
  return groupBlock(part, id, status, keepsRejected);
}

import type { SkyIndex } from '@armilla/sky';
import { RowSet } from '../join.js';
import { type LoadedTables } from './loaded-tables.js';
import { neighboursOf, type NeighbourSearch, rowBlocks } from './neighbours.js';
import type { ResolvedTables } from './options.js';
import { type RowBlock, RowLists } from './row-block.js';

/** Each row of the first table with the nearest row of every other one; with join `full`, then the others' rows that nobody has. */
export async function* pairRows(
  loaded: LoadedTables,
  { join }: ResolvedTables,
  search: Omit<NeighbourSearch, 'find'>,
): AsyncGenerator<RowBlock, void, undefined> {
  const { tables, positions } = loaded;
  const used = tables.map(({ rowCount }) => new RowSet(rowCount));
  const block = (lists: RowLists): RowBlock => ({ count: lists.count, rows: lists.taken(), computed: new Map() });
  for (const [from, to] of rowBlocks(tables[0].rowCount)) {
    const nearest = tables.map(() => new Int32Array(to - from).fill(-1));
    for (let k = 1; k < tables.length; k++) {
      const { left, right } = await neighboursOf(positions[0], [from, to], tables[k].index as SkyIndex, {
        ...search,
        find: 'nearest',
      });
      for (let p = 0; p < left.length; p++) nearest[k][left[p] - from] = right[p];
      used[k].addAll(right);
    }
    const lists = new RowLists(tables.length);
    const others = new Int32Array(tables.length - 1);
    for (let row = from; row < to; row++) {
      if (tables[0].filtered?.has(row)) continue;
      let count = 0;
      for (let k = 1; k < tables.length; k++) {
        others[k - 1] = nearest[k][row - from];
        if (others[k - 1] >= 0) count++;
      }
      const least = join === 'inner' ? others.length : join === 'matched' ? 1 : 0;
      if (count >= least) lists.add(row, others);
    }
    yield block(lists);
  }
  if (join !== 'full') return;
  for (let k = 1; k < tables.length; k++) {
    for (const [from, to] of rowBlocks(tables[k].rowCount)) {
      const lists = new RowLists(tables.length);
      const others = new Int32Array(tables.length - 1).fill(-1);
      for (let row = from; row < to; row++) {
        if (used[k].has(row) || tables[k].filtered?.has(row)) continue;
        others[k - 1] = row;
        lists.add(-1, others);
      }
      yield block(lists);
    }
  }
}

import { fail } from '@armilla/base';
import { RowStatus, type SkyIndex } from '@armilla/sky';
import { breathe } from '../ahead.js';
import { CombinationProbabilities, combinationColumns } from './combination-probabilities.js';
import { eachCombination } from './combinations.js';
import type { LoadedTables } from './loaded-tables.js';
import { neighboursOf, type NeighbourSearch, rowBlocks } from './neighbours.js';
import type { ResolvedTables } from './options.js';
import { type RowBlock, RowLists } from './row-block.js';

/** Rows of the first table that are searched for together. */
const BLOCK_ROW_COUNT = 2 ** 12;
/** Combinations of a block, about: one row of the first table stays in one block. */
const BLOCK_COMBINATION_COUNT = 2 ** 16;
/** Combinations of one row of the first table, which have to be in memory together. */
const MOST_OF_A_ROW = 2 ** 22;

/** Every combination of each row of the first table, with what makes it probable. Throws MAX_PAIRS_EXCEEDED. */
export async function* combinationRows(
  loaded: LoadedTables,
  { radiusArcsec, priors, acceptableRatio, maxRows }: ResolvedTables,
  search: Omit<NeighbourSearch, 'find'>,
): AsyncGenerator<RowBlock, void, undefined> {
  const { tables, positions, status } = loaded;
  const probabilities = priors && new CombinationProbabilities(tables, priors, acceptableRatio);
  const names = priors ? combinationColumns(priors) : [];
  let total = 0;
  for (const [from, to] of rowBlocks(tables[0].rowCount, BLOCK_ROW_COUNT)) {
    const found: { left: Int32Array; right: Int32Array; at: number }[] = [];
    for (let k = 1; k < tables.length; k++) {
      const index = tables[k].index as SkyIndex;
      found.push({ ...(await neighboursOf(positions[0], [from, to], index, { ...search, find: 'all' })), at: 0 });
    }
    let lists = new RowLists(tables.length);
    let ends: number[] = [];
    const block = (): RowBlock => {
      const rows = lists.taken();
      const computed = new Map(names.map((name) => [name, new Float64Array(lists.count)]));
      let start = 0;
      for (const end of ends) {
        // A row without a usable position has no combinations, and is one row all the same.
        if (status[0][rows[0][start]] === RowStatus.ok) probabilities?.fill(rows, start, end, computed);
        else for (const values of computed.values()) values[start] = NaN;
        start = end;
      }
      return { count: lists.count, rows, computed };
    };
    for (let row = from; row < to; row++) {
      if (tables[0].filtered?.has(row)) continue;
      const start = lists.count;
      const candidates = found.map((pairs) => candidatesOf(pairs, row));
      eachCombination(candidates, positions, radiusArcsec, (rows) => {
        lists.add(row, rows);
        const most = Math.min(maxRows - total, MOST_OF_A_ROW);
        if (lists.count - start > most || total + lists.count > maxRows)
          throw fail('MAX_PAIRS_EXCEEDED', {
            estimated: `more than ${Math.min(maxRows, MOST_OF_A_ROW)}`,
            limit: Math.min(maxRows, MOST_OF_A_ROW),
          });
      });
      ends.push(lists.count);
      if (lists.count < BLOCK_COMBINATION_COUNT) continue;
      await breathe(search.signal);
      total += lists.count;
      yield block();
      lists = new RowLists(tables.length);
      ends = [];
    }
    total += lists.count;
    if (lists.count > 0) yield block();
  }
}

/** The rows that `row` is near, ascending; `pairs.at` moves on. */
function candidatesOf(pairs: { left: Int32Array; right: Int32Array; at: number }, row: number): number[] {
  const out: number[] = [];
  while (pairs.at < pairs.left.length && pairs.left[pairs.at] < row) pairs.at++;
  for (; pairs.at < pairs.left.length && pairs.left[pairs.at] === row; pairs.at++) out.push(pairs.right[pairs.at]);
  return out.sort((a, b) => a - b);
}

import { utimesSync } from 'node:fs';
import { isProblem } from '@armilla/base';
import { expandPath, openTable } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import { crossmatch, type MatchOptions } from '../index.js';
import { type Answer, HatsMatches, timeless } from '../testing/hats-matches.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';

let hats: HatsMatches;
let left: string;
let right: string;
let tables: HatsMatches['tables'];
const named: MatchOptions = { radiusArcsec: 6, left: { ra: 'x', dec: 'y' }, right: { ra: 'x', dec: 'y' } };
const byItself: MatchOptions = { radiusArcsec: 6 };
beforeAll(async () => {
  hats = await HatsMatches.create();
  ({ left, right, tables } = hats);
});
afterAll(() => hats[Symbol.asyncDispose]());

describe('by way of the disk', () => {
  const run = async (
    scratch: string,
    options: { resume?: boolean; stopAfter?: number } = {},
    match: MatchOptions = { ...byItself, find: 'all' },
  ): Promise<Answer> => {
    const inputs = { left: await expandPath(left), right: await expandPath(right) };
    const stream = await crossmatch(await openTable(left), await openTable(right), match, {
      runtime: hats.runtime,
      execution: { bucketRowCount: 64 },
      scratch: { folder: scratch, inputs, keep: true, use: 'always', resume: options.resume ?? false },
    });
    const batches: RecordBatch[] = [];
    try {
      for await (const batch of stream) {
        batches.push(batch);
        if (options.stopAfter === batches.length) throw new Error('stopped');
      }
      await stream.removeScratch();
      return { rows: rowsOf(batches), summary: stream.summary(), note: undefined };
    } finally {
      await stream.close();
    }
  };

  test('the rows are the same, also after a stop', async () => {
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, find: 'all' });
    expect((await run(hats.at('scratch-1'))).rows).toEqual(expected.rows);
    const scratch = hats.at('scratch-2');
    await expect(run(scratch, { stopAfter: 1 })).rejects.toThrow('stopped');
    expect((await run(scratch, { resume: true })).rows).toEqual(expected.rows);
  });

  test.each(['all', 'mutual', 'one-to-one', 'nearest'] as const)('in an area as well: %s', async (find) => {
    const area = 'cone(45, 0, 0.4deg)';
    const columns = ['left.id', 'right.id', 'left_row', 'right_row', 'separation_arcsec'];
    const options = { find, area, columns, join: 'full' as const };
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options });
    const got = await run(hats.at(`scratch-area-${find}`), {}, { ...byItself, ...options });
    expect(got.rows).toEqual(expected.rows);
    expect(timeless(got.summary)).toEqual(timeless(expected.summary));
    expect(got.summary.spill?.bucketCount).toBeGreaterThan(1);
  });

  test.each([['a partition that was changed', (files: string[]) => utimesSync(files[2], new Date(0), new Date(0))]])(
    'it does not go on with %s',
    async (_, change) => {
      const scratch = hats.at('scratch-3');
      await expect(run(scratch, { stopAfter: 1 })).rejects.toThrow('stopped');
      change(await expandPath(left));
      const error: unknown = await run(scratch, { resume: true }).catch((caught: unknown) => caught);
      expect(isProblem(error) && error.reason).toBe('RESUME_REFUSED');
    },
  );
});

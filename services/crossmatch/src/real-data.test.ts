import { Runtime } from '@armilla/gpu-core';
import { openTable } from '@armilla/tables';
import { type RecordBatch, Table } from 'apache-arrow';
import { crossmatch, CatalogTable, type Find, type MatchOptions, selfMatch } from './index.js';
import { memoryTable, rowsOf } from './testing/memory-table.js';
import { realData } from './testing/real-data.js';

const hip2 = realData('hipparcos/hip2_j1991.csv.gz');
const hip1 = realData('hipparcos/hip1_j2000_v9.csv.gz');
const epochs = realData('neowise/neowise_epochs.parquet');
const sources = realData('neowise/tier5_radio_silent.parquet');

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create();
});
afterAll(() => runtime.close());

async function collect(stream: AsyncIterable<RecordBatch>): Promise<RecordBatch[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  return batches;
}

const rowCount = (batches: readonly RecordBatch[]): number => batches.reduce((sum, batch) => sum + batch.numRows, 0);

if (hip1 && hip2) {
  describe('Hipparcos-2 with Hipparcos-1', () => {
    // Unpacked once: what is tested here is the match, not the reading.
    let tables: { hip1: CatalogTable; hip2: Table };
    beforeAll(async () => {
      tables = {
        hip1: await CatalogTable.load(await openTable(hip1), { runtime }),
        hip2: new Table(await collect((await openTable(hip2)).batches())),
      };
    });
    afterAll(() => tables.hip1.dispose());

    const match = async (options: MatchOptions): Promise<RecordBatch[]> =>
      collect(await crossmatch(memoryTable(tables.hip2), tables.hip1, options, { runtime }));

    test.each(
      (['nearest', 'all', 'k-nearest', 'mutual', 'one-to-one'] as const).flatMap((find) =>
        (
          [
            [0.5, 66_005],
            [1, 76_062],
            [2, 80_755],
            [5, 82_676],
          ] as const
        ).map(([radiusArcsec, rows]) => [find, radiusArcsec, rows] as const),
      ),
    )('%s within %d arcsec: %d rows', async (find, radiusArcsec, rows) => {
      expect(rowCount(await match({ radiusArcsec, find, columns: ['left.hip', 'right.hip'] }))).toBe(rows);
    });

    test.each([
      [10, 'nearest', 82_914, undefined],
      [60, 'nearest', 83_635, undefined],
      [10, 'all', 82_925, 82_909],
      [60, 'all', 84_520, 82_981],
      [10, 'mutual', 82_910, undefined],
      [60, 'mutual', 82_978, undefined],
    ] as const)(
      'within %d arcsec, %s: %d rows, and the right number of equal hip',
      async (radiusArcsec, find: Find, rows, equalHip) => {
        const found = rowsOf(await match({ radiusArcsec, find, columns: ['left.hip', 'right.hip'] }));
        expect(found.length).toBe(rows);
        if (equalHip !== undefined) expect(found.filter((row) => row.hip_1 === row.hip_2).length).toBe(equalHip);
      },
    );

    test.each([
      [10, 82_910],
      [60, 82_981],
    ])('sides swapped, nearest within %d arcsec: %d rows', async (radiusArcsec, rows) => {
      const stream = await crossmatch(
        await openTable(hip1),
        await openTable(hip2),
        { radiusArcsec, columns: ['left.hip'] },
        { runtime },
      );
      expect(rowCount(await collect(stream))).toBe(rows);
      const { left, right } = stream.summary();
      expect(left).toMatchObject({
        rowCount: 82_984,
        matchedRowCount: rows,
        unmatchedRowCount: 82_984 - rows,
        guessed: true,
        columns: { ra: 'ra', dec: 'dec' },
      });
      expect(right.matchedRowCount + right.unmatchedRowCount + right.rejectedRowCount).toBe(117_955);
    });

    test.each([
      [10, 13],
      [30, 1_045],
      [60, 1_442],
    ])('Hipparcos-2 with itself within %d arcsec: %d pairs', async (radiusArcsec, pairs) => {
      const stream = await selfMatch(
        memoryTable(tables.hip2),
        { radiusArcsec, columns: ['left_row', 'right_row'] },
        { runtime },
      );
      const rows = rowsOf(await collect(stream));
      expect(rows.length).toBe(pairs);
      expect(rows.every((row) => (row.left_row as number) < (row.right_row as number))).toBe(true);
    });
  });
} else {
  test.skip('Hipparcos: the real data is not there (ARMILLA_DATA_DIR or ../shared/data)', () => undefined);
}

if (epochs && sources) {
  test.each([
    [1, 37_795],
    [2, 38_604],
    [3, 38_700],
  ])(
    'NEOWISE epochs with AllWISE sources, nearest within %d arcsec: %d rows, all of the right designation',
    async (radiusArcsec, rows) => {
      const stream = await crossmatch(
        await openTable(epochs),
        await openTable(sources),
        { radiusArcsec, columns: ['left.designation', 'right.designation'] },
        { runtime },
      );
      const found = rowsOf(await collect(stream));
      expect(found.length).toBe(rows);
      expect(found.every((row) => row.designation_1 === row.designation_2)).toBe(true);
      expect(stream.guesses.left).toMatchObject({ ra: 'ra', dec: 'dec', guessed: true });
    },
  );
} else {
  test.skip('NEOWISE: the real data is not there (ARMILLA_DATA_DIR or ../shared/data)', () => undefined);
}

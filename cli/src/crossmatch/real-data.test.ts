import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runCli } from '../testing/run-cli.js';

const data = process.env.ARMILLA_DATA_DIR ?? join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data');
const withData = existsSync(join(data, 'hipparcos')) ? test : test.skip;
const skipped = existsSync(join(data, 'hipparcos')) ? '' : ' (skipped: no real data; set ARMILLA_DATA_DIR)';

withData.each([
  ['0.5', 'nearest', 66_005],
  ['1arcsec', 'mutual', 76_062],
  ['2', 'one-to-one', 80_755],
  ['5000mas', 'all', 82_676],
  ['10', 'nearest', 82_914],
  ['1arcmin', 'all', 84_520],
])(`Hipparcos-2 with Hipparcos-1 at %s, %s: %d rows${skipped}`, async (radius, find, rowCount) => {
  const tables = ['hip2_j1991.csv.gz', 'hip1_j2000_v9.csv.gz'].map((name) => join(data, 'hipparcos', name));
  const { code, stdout } = await runCli([
    'crossmatch',
    ...tables,
    '--radius',
    radius,
    '--find',
    find,
    '-o',
    '/dev/null',
    '--json',
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    row_count: rowCount,
    left: { row_count: 117_955 },
    right: { row_count: 82_984 },
  });
});

withData.each([
  ['1arcsec', 37_795],
  ['2arcsec', 38_604],
  ['3arcsec', 38_700],
])(
  `NEOWISE epochs with AllWISE sources at %s: %d rows, all of the right designation${skipped}`,
  async (radius, rowCount) => {
    const tables = ['neowise_epochs.parquet', 'tier5_radio_silent.parquet'].map((name) => join(data, 'neowise', name));
    const { code, stdout } = await runCli([
      'crossmatch',
      ...tables,
      '--radius',
      radius,
      '--columns',
      'left.designation,right.designation',
      '--quiet',
    ]);
    expect(code).toBe(0);
    const rows = stdout.trim().split('\n').slice(1);
    expect(rows).toHaveLength(rowCount);
    expect(rows.filter((row) => row.split(',')[0] !== row.split(',')[1])).toEqual([]);
  },
);

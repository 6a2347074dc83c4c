import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type Motions, moveForward, separationArcsec } from '@armilla/sky';
import { openTable } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import { crossmatch, type MatchOptions } from '../index.js';
import type { LeftInput } from '../match.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { realData } from '../testing/real-data.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

async function matched(left: LeftInput, right: Table, options: MatchOptions) {
  const batches: RecordBatch[] = [];
  const stream = await crossmatch(left, memoryTable(right), options, { runtime });
  for await (const batch of stream) batches.push(batch);
  return { rows: rowsOf(batches), summary: stream.summary() };
}

const gaia = realData('tables/gaia_dr3_random_sm.fits');
(gaia ? test : test.skip)(
  'Gaia DR3 against an epoch 15 years away: all found with motions, the predicted ones lost without',
  async () => {
    const names = ['ra', 'dec', 'pmra', 'pmdec'];
    const reader = await openTable(gaia as string);
    const { value: all } = await reader.batches({ columns: names })[Symbol.asyncIterator]().next();
    // Where there is no motion it is NaN.
    const [ra, dec, pmra, pmdec] = names.map((name) =>
      Float64Array.from((all as RecordBatch).getChild(name) as Iterable<number | null>, (value) => value ?? NaN),
    );
    expect(ra).toHaveLength(1000);
    const motions: Motions = { pmRaCosdec: pmra, pmDec: pmdec };
    const [years, radiusArcsec] = [15, 0.2];
    const then = { ra: new Float64Array(ra.length), dec: new Float64Array(ra.length) };
    moveForward(ra, dec, motions, years, then.ra, then.dec);
    const random = new Random(15);
    const jitter = 0.02 / 3600;
    for (let i = 0; i < ra.length; i++) {
      then.ra[i] += (random.normal() * jitter) / Math.cos((dec[i] * Math.PI) / 180);
      then.dec[i] += random.normal() * jitter;
    }
    const right = tableOf(then);
    const left = tableOf({ ra, dec, pmra, pmdec });
    const base = { radiusArcsec, columns: ['left_row', 'right_row'] };
    const moving = { ...base, left: { epoch: 'J2016.0' }, right: { epoch: 'J2031.0' } };
    const withMotions = await matched(memoryTable(left), right, moving);
    expect(withMotions.rows).toEqual(Array.from(ra, (_, row) => ({ left_row: row, right_row: row })));

    // What the displacement predicts, star by star.
    const far = Array.from(ra, (_, i) => separationArcsec(ra[i], dec[i], then.ra[i], then.dec[i]) > radiusArcsec);
    const lost = far.filter(Boolean).length;
    const still = await matched(memoryTable(left.select(['ra', 'dec'])), right, moving);
    expect(still.rows.map(({ left_row }) => left_row)).toEqual(Array.from(ra.keys()).filter((i) => !far[i]));
    expect(lost).toBeGreaterThan(50);
    // And what the warning says without knowing the stars: the share of Gaia that is faster than radius / years.
    const [, percent] = /about ([\d.]+) %/.exec(still.summary.warnings[0]) ?? [];
    expect(Math.abs(Number(percent) / 100 - lost / ra.length)).toBeLessThan(0.02);
  },
);

const hipparcos = ['hip2_j1991.csv.gz', 'hip1_j2000_v9.csv.gz'].map((name) => realData(`hipparcos/${name}`));
(hipparcos[1] ? test : test.skip)(
  'Hipparcos moved by 50 years both ways is matched back',
  async () => {
    const read = async (path: string): Promise<Map<number, [number, number]>> => {
      const stars = new Map<number, [number, number]>();
      await using reader = { table: await openTable(path), [Symbol.asyncDispose]: () => reader.table.close() };
      for await (const batch of reader.table.batches({ columns: ['hip', 'ra', 'dec'] }))
        for (const row of rowsOf([batch])) stars.set(Number(row.hip), [Number(row.ra), Number(row.dec)]);
      return stars;
    };
    const [early, late] = [await read(hipparcos[0] as string), await read(hipparcos[1] as string)];
    const stars = [...late].flatMap(([hip, place]) => (early.has(hip) ? [[early.get(hip), place] as const] : []));
    expect(stars.length).toBeGreaterThan(80_000);
    // Motions from the pair itself: 8.75 years lie between J1991.25 and J2000.
    const years = 8.75;
    const columns = {
      ra: new Float64Array(stars.length),
      dec: new Float64Array(stars.length),
      pmra: new Float64Array(stars.length),
      pmdec: new Float64Array(stars.length),
    };
    for (const [i, [first, last]] of stars.entries()) {
      const [[ra1, dec1], [ra2, dec2]] = [first as [number, number], last];
      columns.ra[i] = ra2;
      columns.dec[i] = dec2;
      const turn = ((ra2 - ra1 + 540) % 360) - 180;
      columns.pmra[i] = (turn * Math.cos((dec2 * Math.PI) / 180) * 3_600_000) / years;
      columns.pmdec[i] = ((dec2 - dec1) * 3_600_000) / years;
    }
    const fastest = Math.max(...columns.pmra.map((pm, i) => Math.hypot(pm, columns.pmdec[i])));
    expect(fastest).toBeGreaterThan(5000);
    for (const span of [50, -50]) {
      const then = { ra: new Float64Array(stars.length), dec: new Float64Array(stars.length) };
      moveForward(columns.ra, columns.dec, { pmRaCosdec: columns.pmra, pmDec: columns.pmdec }, span, then.ra, then.dec);
      const options: MatchOptions = { radiusArcsec: 0.001, columns: ['left_row', 'right_row'] };
      const sides = { left: { epoch: `J${2000 + span}` }, right: { epoch: 'J2000' } };
      const { rows } = await matched(memoryTable(tableOf(then)), tableOf(columns), { ...options, ...sides });
      expect(rows).toHaveLength(stars.length);
      expect(rows.every(({ left_row, right_row }) => left_row === right_row)).toBe(true);
    }
  },
  120_000,
);

const openNgc = realData('tables/OpenNGC_NGC.csv.gz');
(openNgc ? test : test.skip)("OpenNGC's sexagesimal columns are read as they are", async () => {
  // M 31 and M 33 by their degrees.
  const right = tableOf({ ra: [10.684793, 23.462042], dec: [41.269065, 30.660222] });
  const { rows, summary } = await matched(await openTable(openNgc as string), right, {
    radiusArcsec: 2,
    columns: ['Name', 'right_row'],
  });
  expect(rows).toEqual(
    expect.arrayContaining([
      { Name: 'NGC0224', right_row: 0 },
      { Name: 'NGC0598', right_row: 1 },
    ]),
  );
  expect(summary.left.columns).toEqual({ ra: 'RA', dec: 'Dec' });
  expect(summary.left.rowCount).toBeGreaterThan(13_000);
  const { rejectedByReason } = summary.left;
  expect(Object.keys(rejectedByReason).filter((reason) => reason !== 'POSITION_NULL')).toEqual([]);
});

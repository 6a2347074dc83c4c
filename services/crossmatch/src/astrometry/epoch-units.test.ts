import { Runtime } from '@armilla/gpu-core';
import { Field, Float64, RecordBatch, Schema, Table } from 'apache-arrow';
import { coneSearch, crossmatch, type MatchOptions, type MatchSummary } from '../index.js';
import type { RejectedRow } from '../positions.js';
import { memoryTable, tableOf } from '../testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

async function matched(
  left: Table,
  options: Partial<MatchOptions>,
): Promise<{ summary: MatchSummary; rejected: RejectedRow[] }> {
  const right = tableOf({ ra: [10, 20, 30, 40], dec: [0, 0, 0, 0] });
  const rejected: RejectedRow[] = [];
  const context = { runtime, onRejected: (row: RejectedRow) => rejected.push(row) };
  const all = { radiusArcsec: 60, right: { epoch: 'J2000' }, ...options };
  const stream = await crossmatch(memoryTable(left), memoryTable(right), all, context);
  for await (const _ of stream);
  return { summary: stream.summary(), rejected };
}

const stars = (epoch: readonly (number | null)[]): Table =>
  tableOf({ ra: [10, 20, 30, 40], dec: [0, 0, 0, 0], pmra: [1, 1, 1, 1], pmdec: [0, 0, 0, 0], epoch });

test.each([
  ['years', 'epoch:yr', [2016, 57_388, 2_457_388.5, 1991.25], [1, 2]],
  ['modified Julian dates', 'epoch:mjd', [57_388, 2016, 2_457_388.5, 48_348.5], [1, 2]],
  ['Julian dates', 'epoch:jd', [2_457_388.5, 57_388, 2016, 2_448_349], [1, 2]],
  ['years, null and NaN', 'epoch:yr', [2016, null, NaN, Infinity], [1, 2, 3]],
])('of a column of %s only what is one counts', async (_, epoch, values, bad) => {
  const { summary, rejected } = await matched(stars(values), { left: { epoch } });
  expect(summary.left).toMatchObject({
    matchedRowCount: 4 - bad.length,
    rejectedByReason: { EPOCH_INVALID: bad.length },
  });
  expect(rejected.map(({ row, column }) => [row, column])).toEqual(bad.map((row) => [row, 'epoch']));
  if (values[1] !== null)
    expect(rejected[0].value).toBe(`${values[1]} (as ${epoch === 'epoch:yr' ? 'julian-year' : epoch.slice(6)})`);
  await expect(matched(stars(values), { left: { epoch }, strict: true })).rejects.toMatchObject({ reason: 'BAD_ROW' });
});

/** Gaia's columns, with the unit of its epoch. */
function gaia(unit: string): Table {
  const plain = tableOf({ ra: [10], dec: [0], pmra: [1], pmdec: [1], ref_epoch: [2016] });
  const fields = plain.schema.fields.map(
    ({ name }) =>
      new Field(name, new Float64(), true, new Map(name === 'ref_epoch' && unit !== '' ? [['unit', unit]] : [])),
  );
  const schema = new Schema(fields);
  return new Table(schema, [new RecordBatch(schema, plain.batches[0].data)]);
}

test('an epoch that is missing is not guessed: the refusal names the column that looks like it', async () => {
  const asked = (left: MatchOptions['left'], unit = '') => matched(gaia(unit), { left });
  await expect(asked({})).rejects.toMatchObject({
    reason: 'OPTIONS_CONFLICT',
    message: expect.stringMatching(/left_epoch is not.*looks as if that were ref_epoch:yr/),
  });
  await expect(asked({}, 'yr')).rejects.toThrow(/looks as if that were ref_epoch\)/);
  await expect(asked({ pmRaCosdec: 'pmra', pmDec: 'pmdec' })).rejects.toThrow(/need left_epoch.*ref_epoch:yr/);
  const cone = { raDeg: 10, decDeg: 0, radiusArcsec: 1, atEpoch: 'J2020' };
  await expect(coneSearch(memoryTable(gaia('')), cone, { runtime })).rejects.toThrow(/ref_epoch:yr/);
  expect((await asked({ epoch: 'ref_epoch:yr' })).summary.left.matchedRowCount).toBe(1);
});

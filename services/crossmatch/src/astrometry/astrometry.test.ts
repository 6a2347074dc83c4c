import { Runtime } from '@armilla/gpu-core';
import { Field, Float64, type RecordBatch, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { crossmatch, type MatchOptions, type MatchSummary } from '../index.js';
import type { RejectedRow } from '../positions.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { factorOf, parseColumn } from './quantity.js';
import { parseSexagesimal } from '@armilla/base';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

const refused = (reason: string, fields: object = {}) =>
  expect.objectContaining({ reason, fields: expect.objectContaining(fields) as object }) as Error;

async function run(
  left: Table,
  right: Table,
  options: MatchOptions,
): Promise<{ rows: Record<string, unknown>[]; summary: MatchSummary; rejected: RejectedRow[] }> {
  const rejected: RejectedRow[] = [];
  const context = { runtime, onRejected: (row: RejectedRow) => void rejected.push(row) };
  const stream = await crossmatch(memoryTable(left), memoryTable(right), options, context);
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  return { rows: rowsOf(batches), summary: stream.summary(), rejected };
}

/** Columns of numbers with metadata. */
function withUnits(columns: Record<string, [number[], string]>): Table {
  const fields = Object.entries(columns).map(
    ([name, [, unit]]) => new Field(name, new Float64(), true, new Map([['unit', unit]])),
  );
  return new Table(
    new Schema(fields),
    Object.fromEntries(
      Object.entries(columns).map(([name, [values]]) => [name, vectorFromArray(values, new Float64())]),
    ),
  );
}

test.each([
  ['12:34:56.7', 12 + 34 / 60 + 56.7 / 3600],
  ['-00:30:00', -0.5],
  ['+12 30', 12.5],
  ['12h34m56s', 12 + 34 / 60 + 56 / 3600],
  ['-12d 34\' 56"', -(12 + 34 / 60 + 56 / 3600)],
  ['−5°30′0″', -5.5],
  ['12:60:00', NaN],
  ['12:10:60', NaN],
  ['12', NaN],
  ['', NaN],
  ['M 31', NaN],
  ['1:2:3:4', NaN],
])("'%s' is %d", (text, value) => {
  if (Number.isNaN(value)) expect(parseSexagesimal(text)).toBeNaN();
  else expect(parseSexagesimal(text)).toBeCloseTo(value, 12);
});

test.each([
  ['mas', 'error', 0.001],
  ['deg', 'error', 3600],
  ['mas.yr**-1', 'proper-motion', 1],
  ['mas yr^-1', 'proper-motion', 1],
  ['arcsec/yr', 'proper-motion', 1000],
  ['deg/yr', 'proper-motion', 3_600_000],
  ['km s-1', 'velocity', 1],
  ['m/s', 'velocity', 0.001],
  ['h', 'position', 15],
  ['15deg', 'position', 15],
  ['0.1 mas/yr', 'proper-motion', 0.1],
  ['5', 'position', undefined],
  ['', 'position', undefined],
  ['pix', 'position', undefined],
  ['mag', 'error', undefined],
] as const)('the unit %s of a %s counts %d', (unit, kind, factor) => {
  if (factor === undefined) expect(factorOf(unit, kind)).toBeUndefined();
  else expect(factorOf(unit, kind)).toBeCloseTo(factor, 12);
});

test('a colon in a name belongs to it unless a unit follows', () => {
  expect(parseColumn('err:mas', 'error')).toEqual({ name: 'err', unit: 'mas' });
  expect(parseColumn('2MASS:id', 'error')).toEqual({ name: '2MASS:id', unit: undefined });
});

describe('positions in other units and frames', () => {
  const degrees = tableOf({ ra: Float64Array.of(187.5, 10), dec: Float64Array.of(12.5, -20) });

  test('hours, radians and sexagesimal text equal degrees', async () => {
    const hours = withUnits({
      ra: [[12.5, 10 / 15], 'h'],
      dec: [[(12.5 * Math.PI) / 180, (-20 * Math.PI) / 180], 'rad'],
    });
    const text = new Table({
      RA: vectorFromArray(['12:30:00', '00h40m00s'], new Utf8()),
      Dec: vectorFromArray(['+12 30 00', '-20:00:00.0'], new Utf8()),
    });
    for (const table of [hours, text]) {
      const { rows } = await run(table, degrees, { radiusArcsec: 1e-6, columns: ['left_row', 'right_row'] });
      expect(rows).toEqual([
        { left_row: 0, right_row: 0 },
        { left_row: 1, right_row: 1 },
      ]);
    }
  });

  test('a unit may be named where the column has none', async () => {
    const hours = tableOf({ ra: Float64Array.of(12.5), dec: Float64Array.of(12.5) });
    const { rows } = await run(hours, degrees, {
      radiusArcsec: 1e-6,
      left: { ra: 'ra:hours' },
      columns: ['right_row'],
    });
    expect(rows).toEqual([{ right_row: 0 }]);
  });

  test('galactic and ecliptic positions are guessed by their own names', async () => {
    // The galactic centre and the vernal equinox.
    const galactic = tableOf({ l: Float64Array.of(0), b: Float64Array.of(0) });
    const centre = tableOf({ ra: Float64Array.of(266.40498829), dec: Float64Array.of(-28.93617776) });
    const found = await run(galactic, centre, {
      radiusArcsec: 0.001,
      left: { frame: 'galactic' },
      columns: ['right_row'],
    });
    expect(found.rows).toHaveLength(1);
    expect(found.summary.left.columns).toEqual({ ra: 'l', dec: 'b' });
    const ecliptic = tableOf({ elon: Float64Array.of(0), elat: Float64Array.of(0) });
    const equinox = tableOf({ ra: Float64Array.of(0), dec: Float64Array.of(0) });
    expect((await run(ecliptic, equinox, { radiusArcsec: 0.1, left: { frame: 'ecliptic' } })).rows).toHaveLength(1);
  });

  test('a latitude that is none is rejected in any frame', async () => {
    const galactic = tableOf({ l: [0, 0], b: [91, 0] });
    const { summary } = await run(galactic, degrees, { radiusArcsec: 1, left: { frame: 'galactic' } });
    expect(summary.left.rejectedByReason).toEqual({ DECLINATION_OUT_OF_RANGE: 1 });
  });

  test('text that is no position is rejected with its value', async () => {
    const text = new Table({
      ra: vectorFromArray(['12:30:00', 'unknown', null], new Utf8()),
      dec: vectorFromArray(['12:30:00', '1:2:3', '1:2:3'], new Utf8()),
    });
    for (const [left, right] of [
      [text, degrees],
      [degrees, text],
    ]) {
      const { summary, rejected } = await run(left, right, { radiusArcsec: 1 });
      expect(rejected).toHaveLength(2);
      expect(rejected[0]).toMatchObject({ row: 1, reason: 'POSITION_TEXT', column: 'ra', value: "'unknown'" });
      expect(summary.pairCount).toBe(1);
    }
  });
});

describe('options of epochs and errors that cannot be', () => {
  const stars = tableOf({ ra: [1], dec: [2], pmra: [3], pmdec: [4], e: [0.1], name: ['a'], mjd: [57388] });
  const start = (options: Partial<MatchOptions>): Promise<unknown> =>
    run(stars, stars, { radiusArcsec: 1, ...options });

  test.each<[string, Partial<MatchOptions>, string, object]>([
    ['an epoch of one side only', { left: { epoch: 'J2000' } }, 'OPTIONS_CONFLICT', {}],
    ['a motion without an epoch', { left: { pmRaCosdec: 'pmra', pmDec: 'pmdec' } }, 'OPTIONS_CONFLICT', {}],
    ['half a motion', { left: { epoch: 'J2000', pmDec: 'pmdec' } }, 'OPTIONS_CONFLICT', {}],
    ['an epoch column that is not there', { left: { epoch: 'when' } }, 'COLUMN_NOT_FOUND', { column: 'when' }],
    ['an epoch column without a scale', { left: { epoch: 'e' } }, 'OPTION_INVALID', { field: 'left_epoch' }],
    ['an epoch out of range', { left: { epoch: 'J57388' } }, 'OPTION_INVALID', { field: 'epoch' }],
    ['an error without a unit', { left: { error: 'e' } }, 'COLUMN_TYPE', { column: 'e', type: 'without a unit' }],
    ['an error that is text', { right: { error: 'name:mas' } }, 'COLUMN_TYPE', { column: 'name' }],
    ['half an ellipse', { left: { errorMajor: 'e:mas' } }, 'OPTIONS_CONFLICT', {}],
    ['two kinds of errors', { left: { error: 'e:mas', errorRa: 'e:mas', errorDec: 'e:mas' } }, 'OPTIONS_CONFLICT', {}],
    ['sigmas without errors', { maxSigma: 3 }, 'OPTIONS_CONFLICT', {}],
    ['sigmas that are none', { maxSigma: 0, left: { error: 'e:mas' } }, 'OPTION_INVALID', { field: 'max_sigma' }],
    ['a frame that is none', { left: { frame: 'b1950' as 'fk4' } }, 'OPTION_INVALID', { field: 'left_frame' }],
  ])('%s', async (_, options, reason, fields) => {
    await expect(start(options)).rejects.toEqual(refused(reason, fields));
  });
});

test('rows with errors, radii or epochs that cannot be are rejected by reason, the others match', async () => {
  const left = tableOf({
    ra: [1, 1, 1, 1, 1, 1],
    dec: [2, 2, 2, 2, 2, 2],
    major: [1, 0.1, -1, null, 1, 1],
    minor: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5],
    pa: [0, 0, 0, 0, 0, 0],
    r: [1, 1, 1, 1, -1, 1],
    mjd: [57388, 57388, 57388, 57388, 57388, NaN],
    pmra: [1, 1, 1, 1, 1, 1],
    pmdec: [1, 1, 1, 1, 1, 1],
  });
  const right = tableOf({ ra: [1], dec: [2] });
  const options: MatchOptions = {
    radiusArcsec: 5,
    join: 'left',
    columns: ['left_row', 'right_row'],
    left: {
      errorMajor: 'major:arcsec',
      errorMinor: 'minor:arcsec',
      errorAngle: 'pa',
      radius: 'r:arcsec',
      epoch: 'mjd',
    },
    right: { epoch: 'J2015.9' },
  };
  const { rows, summary, rejected } = await run(left, right, options);
  expect(summary.left).toMatchObject({
    rowCount: 6,
    matchedRowCount: 1,
    unmatchedRowCount: 0,
    rejectedByReason: { ERROR_INVALID: 3, RADIUS_INVALID: 1, EPOCH_INVALID: 1 },
  });
  expect(rejected.map(({ row, column }) => [row, column])).toEqual([
    [1, 'minor'],
    [2, 'major'],
    [3, 'major'],
    [4, 'r'],
    [5, 'mjd'],
  ]);
  expect(rows).toEqual([0, 1, 2, 3, 4, 5].map((row) => ({ left_row: row, right_row: row === 0 ? 0 : null })));
  await expect(run(left, right, { ...options, strict: true })).rejects.toEqual(refused('BAD_ROW', { row: 1 }));
});

test('rows without a known motion are counted, rejected ones not', async () => {
  const moving = tableOf({ ra: [1, 2, 3, null], dec: [1, 2, 3, 4], pmra: [1, null, 5, 1], pmdec: [1, 1, NaN, null] });
  const right = tableOf({ ra: [1], dec: [1], pmra: [null], pmdec: [0] });
  const side = { epoch: 'J2016' };
  const { summary } = await run(moving, right, { radiusArcsec: 1, left: side, right: { epoch: 'J2000' } });
  expect(summary.left.missingMotionRowCount).toBe(2);
  expect(summary.right.missingMotionRowCount).toBe(1);
});

test('epochs that differ without motions on either side: a warning says what is lost', async () => {
  const table = tableOf({ ra: [1], dec: [2] });
  const { summary } = await run(table, table, {
    radiusArcsec: 0.3,
    left: { epoch: 'J2000' },
    right: { epoch: 'J2015' },
  });
  expect(summary.warnings).toEqual([
    expect.stringMatching(/15\.00 years apart.*faster than 20\.0 mas\/yr.*2\.0 % of Gaia/),
  ]);
  const same = await run(table, table, { radiusArcsec: 0.3, left: { epoch: 'J2000' }, right: { epoch: 'J2000' } });
  expect(same.summary.warnings).toEqual([]);
});

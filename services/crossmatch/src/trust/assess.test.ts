import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type Positions, positionStatuses, simulateField, SkyIndex, uniformSky } from '@armilla/sky';
import { crossmatch, selfMatch } from '../index.js';
import { memoryTable, tableOf } from '../testing/memory-table.js';
import { assess, type Assessment, type Trust } from './assess.js';
import { LeftSample } from './left-sample.js';
import { indexedNeighbours } from './neighbours.js';
import { rotated, shifted } from './tangent.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

async function assessed(left: Positions, right: Positions, radiusArcsec: number): Promise<Assessment> {
  await using index = await SkyIndex.build(runtime, [right]);
  return await assess({
    sample: { ra: left.ra, dec: left.dec, magnitude: undefined },
    usableRowCount: left.ra.length,
    around: indexedNeighbours(index, right),
    radiusArcsec,
    minRadiusArcsec: 0,
    notes: [],
  });
}

interface Truth {
  readonly left: Positions;
  readonly right: Positions;
  /** Right row of each left row's counterpart, -1 without. */
  readonly counterpart: Int32Array;
}

/** A patch of 2 x 2 degrees around (ra, dec), evenly filled; 60 % have a counterpart, `sigma` arcsec away per axis. */
function evenPatch(
  seed: number,
  rowCount: number,
  dec: number,
  sigma: number,
  offset: readonly [number, number] = [0, 0],
): Truth {
  const random = new Random(seed);
  const columns = () => ({ ra: new Float64Array(rowCount), dec: new Float64Array(rowCount) });
  const [left, right] = [columns(), columns()];
  const counterpart = new Int32Array(rowCount).fill(-1);
  const place = (to: Positions, row: number): void => {
    const y = random.between(-1, 1);
    [to.ra[row], to.dec[row]] = moved(359.9, dec, random.between(-1, 1) * 3600, y * 3600);
  };
  for (let i = 0; i < rowCount; i++) {
    place(left, i);
    if (i % 5 < 3) {
      counterpart[i] = i;
      [right.ra[i], right.dec[i]] = moved(
        left.ra[i],
        left.dec[i],
        offset[0] + sigma * random.normal(),
        offset[1] + sigma * random.normal(),
      );
    } else place(right, i);
  }
  return { left, right, counterpart };
}

/** The same over the whole sky. */
function wholeSky(seed: number, rowCount: number, sigma: number): Pick<Truth, 'left' | 'right'> {
  const { left } = uniformSky(new Random(seed), rowCount);
  const random = new Random(seed + 1);
  const right = { ra: new Float64Array(rowCount), dec: new Float64Array(rowCount) };
  for (let i = 0; i < rowCount; i++)
    [right.ra[i], right.dec[i]] = moved(left.ra[i], left.dec[i], sigma * random.normal(), sigma * random.normal());
  return { left, right };
}

/** The position so many arcsec to the east and north, exactly for great circles. */
function moved(ra: number, dec: number, east: number, north: number): [number, number] {
  const one = shifted(
    { ra: Float64Array.of(ra), dec: Float64Array.of(dec) },
    Math.hypot(east, north),
    Math.atan2(east, north),
  );
  return [one.ra[0], one.dec[0]];
}

function field(seed: number, rowCount: number): Truth {
  const { left, right } = simulateField(seed, rowCount);
  const usable = positionStatuses(left);
  const rows = Array.from(left.ra.keys()).filter((row) => usable[row] === 0);
  const rightRow = new Map(Array.from(right.trueId, (id, row) => [id, row]));
  const take = (values: Float64Array): Float64Array => Float64Array.from(rows, (row) => values[row]);
  return {
    left: { ra: take(left.ra), dec: take(left.dec) },
    right,
    counterpart: Int32Array.from(rows, (row) => rightRow.get(left.trueId[row]) ?? -1),
  };
}

/**
 * Left rows that are matched; of those, the ones with their counterpart; and all that have an unrelated row within the
 * radius, by those that have a counterpart: a star that only the left survey resolves is near the other one, not by chance.
 */
async function trueCounts({ left, right, counterpart }: Truth, radiusArcsec: number) {
  await using index = await SkyIndex.build(runtime, [right]);
  const query = { radiusArcsec, minRadiusArcsec: 0, find: 'all', k: 1, order: 'left' } as const;
  const pairs = await index.match(left, query);
  const [matched, chance, correct] = [new Set<number>(), new Set<number>(), new Set<number>()];
  for (let p = 0; p < pairs.pairCount; p++) {
    const row = pairs.left[p];
    const own = pairs.right[p] === counterpart[row];
    if (!matched.has(row) && own) correct.add(row);
    if (!own && counterpart[row] >= 0) chance.add(row);
    matched.add(row);
  }
  const all = counterpart.reduce((sum, row) => sum + (row >= 0 ? 1 : 0), 0);
  return { matched: matched.size, correct: correct.size, chance: (chance.size * left.ra.length) / all, all };
}

describe.each([
  ['an even sky', () => evenPatch(5, 40_000, 30, 0.3), 3, 0.01],
  ['an even sky around a pole', () => evenPatch(6, 40_000, 90, 0.3), 3, 0.01],
  ['a clustered field', () => field(7, 100_000), 3, 0.025],
  ['a clustered field, too large a radius', () => field(7, 100_000), 8, 0.025],
] as const)('%s', (_, make, radiusArcsec, purityTolerance) => {
  const sky = make();
  let trust: Trust;
  let counts: Awaited<ReturnType<typeof trueCounts>>;
  beforeAll(async () => {
    ({ trust } = await assessed(sky.left, sky.right, radiusArcsec));
    counts = await trueCounts(sky, radiusArcsec);
  });

  test('both estimates of the chance matches agree within 10 %, with each other and with the truth', () => {
    const { chanceLocal, chanceShifted } = trust;
    expect(Math.abs(chanceLocal.count / chanceShifted.count - 1)).toBeLessThan(0.1);
    expect(Math.abs(chanceLocal.count / counts.chance - 1)).toBeLessThan(0.1);
  });

  test('completeness and purity are those of the truth', () => {
    expect(trust.matched.count).toBe(counts.matched);
    expect(Math.abs(trust.completeness - counts.correct / counts.all)).toBeLessThan(0.01);
    // Companions in the field, 2 % of its stars, are taken for counterparts.
    expect(Math.abs(trust.purity - counts.correct / counts.matched)).toBeLessThan(purityTolerance);
  });
});

test('sigma and the fit of the Rayleigh law', async () => {
  const even = evenPatch(8, 30_000, -40, 0.25);
  const { rayleigh: one } = (await assessed(even.left, even.right, 2)).trust;
  expect(Math.abs((one?.sigmaArcsec ?? 0) - 0.25)).toBeLessThan(4 * (one?.sigmaStandardErrorArcsec ?? 0));
  expect(one?.distance).toBeLessThan(2 * (one?.distanceLimit ?? 0));
  expect(one?.tailShare).toBeCloseTo(0.01, 2);
  // Errors of the field grow with magnitude: no one law holds.
  const mixed = field(9, 30_000);
  const { rayleigh: many, notes } = (await assessed(mixed.left, mixed.right, 2)).trust;
  expect(many?.distance).toBeGreaterThan(10 * (many?.distanceLimit ?? 1));
  expect(notes.join()).toContain('Rayleigh');
});

test('the advised radius keeps counterparts and leaves chance pairs out', async () => {
  const { left, right } = evenPatch(10, 60_000, 10, 0.3);
  const { advisedRadiusArcsec = 0, completeness, purity } = (await assessed(left, right, 6)).trust;
  expect(completeness).toBeGreaterThan(0.95);
  expect(purity).toBeLessThan(0.95);
  expect(advisedRadiusArcsec).toBeGreaterThan(0.7);
  expect(advisedRadiusArcsec).toBeLessThan(1.6);
});

test('an offset between the tables is measured, also across ra 0 and beside a pole', async () => {
  for (const dec of [0, 89.5]) {
    const { left, right } = evenPatch(11, 20_000, dec, 0.2, [0.9, -0.4]);
    const { offset, notes } = (await assessed(left, right, 2)).trust;
    if (!offset) throw new Error('no offset');
    expect(Math.abs(offset.raCosdecArcsec - 0.9)).toBeLessThan(5 * offset.raCosdecStandardErrorArcsec);
    expect(Math.abs(offset.decArcsec + 0.4)).toBeLessThan(5 * offset.decStandardErrorArcsec);
    expect(offset.majorArcsec).toBeCloseTo(0.2, 1);
    expect(notes.join()).toContain('shifted');
  }
});

test('a rotation between the tables is measured', async () => {
  const { left, right } = wholeSky(12, 30_000, 0.2);
  const { rotation } = (await assessed(left, rotated(right, [0.5, -0.3, 0.8]), 3)).trust;
  if (!rotation) throw new Error('no rotation');
  expect(Math.abs(rotation.xArcsec - 0.5)).toBeLessThan(5 * rotation.xStandardErrorArcsec);
  expect(Math.abs(rotation.yArcsec + 0.3)).toBeLessThan(5 * rotation.yStandardErrorArcsec);
  expect(Math.abs(rotation.zArcsec - 0.8)).toBeLessThan(5 * rotation.zStandardErrorArcsec);
  expect(rotation.xStandardErrorArcsec).toBeLessThan(0.01);
});

test('the match fraction is told of the common footprint', async () => {
  const { left, right } = evenPatch(13, 30_000, 20, 0.3);
  // The right survey stops in the middle of the left one.
  const inside = Array.from(right.dec.keys()).filter((row) => right.dec[row] < 20);
  const half = {
    ra: Float64Array.from(inside, (row) => right.ra[row]),
    dec: Float64Array.from(inside, (row) => right.dec[row]),
  };
  const { footprint, matched } = (await assessed(left, half, 2)).trust;
  expect(matched.count / 30_000).toBeLessThan(0.33);
  expect(footprint.insideShare).toBeGreaterThan(0.49);
  expect(footprint.insideShare).toBeLessThan(0.56);
  expect(footprint.matchedShare).toBeGreaterThan(0.56);
});

describe('tables that say little', () => {
  const at = (ra: number[], dec: number[]): Positions => ({ ra: Float64Array.from(ra), dec: Float64Array.from(dec) });

  test.each([
    ['no left row', at([], []), at([1], [1])],
    ['no right row', at([1], [1]), at([], [])],
    ['no pairs', at([1, 2], [1, 2]), at([100], [-50])],
    ['one row each', at([1], [1]), at([1], [1.0001])],
    ['a pole and one place', at([0, 90, 180], [90, 90, 90]), at([10, 20], [90, 90])],
  ])('%s: numbers stay finite', async (_, left, right) => {
    const { trust } = await assessed(left, right, 1);
    const numbers = JSON.stringify(trust, (_key, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? 'not finite' : value,
    );
    expect(numbers).not.toContain('not finite');
    expect(trust.rayleigh).toBeUndefined();
    expect(trust.offset).toBeUndefined();
    expect(trust.advisedRadiusArcsec).toBeUndefined();
    expect(trust.notes.length).toBeGreaterThan(0);
  });
});

describe('a match that is assessed', () => {
  const { left, right } = simulateField(14, 20_000);
  const table = ({ ra, dec, magnitude }: typeof left, where: string, batchRowCount: number) =>
    memoryTable(tableOf({ ra, dec, Gmag: Float64Array.from(magnitude) }), { where, batchRowCount });
  const run = async (find: 'nearest' | 'mutual' | 'one-to-one', batchRowCount: number, assess = true) => {
    const context = { runtime, assess };
    const options = { radiusArcsec: 2, find, columns: ['separation_arcsec'] };
    const tables = [table(left, 'left', batchRowCount), table(right, 'right', batchRowCount)] as const;
    const stream = await crossmatch(...tables, options, context);
    let rowCount = 0;
    for await (const batch of stream) rowCount += batch.numRows;
    return { trust: stream.summary().trust, evidence: stream.assessment()?.evidence, rowCount };
  };

  test('has the same numbers in every mode and for any batches, and the same rows as without', async () => {
    const whole = await run('nearest', 20_000);
    const usable = positionStatuses({ ra: left.ra, dec: left.dec }).filter((status) => status === 0);
    expect(whole.trust?.usableRowCount).toBe(usable.length);
    expect(whole.evidence?.sample.magnitude?.[0]).toBeCloseTo(left.magnitude[0], 5);
    expect((await run('nearest', 777)).trust).toEqual(whole.trust);
    expect((await run('mutual', 5000)).trust).toEqual(whole.trust);
    expect((await run('one-to-one', 5000)).trust).toEqual(whole.trust);
    expect(await run('nearest', 20_000, false)).toEqual({ rowCount: whole.rowCount });
  });

  test.each(['left', 'right'] as const)('compares at one epoch where the rows of the %s table move', async (moving) => {
    const random = new Random(15);
    const rowCount = 2000;
    const draw = (low: number, high: number) =>
      Float64Array.from({ length: rowCount }, () => random.between(low, high));
    const still = { ra: draw(40, 42), dec: draw(-1, 1) };
    const motion = { pmra: draw(-200, 200), pmdec: draw(-200, 200) };
    // Ten years later, and 0.1 arcsec of error per axis.
    const later = (values: Float64Array, pm: Float64Array) =>
      values.map((value, i) => value + (pm[i] / 100 + 0.1 * random.normal()) / 3600);
    const then = { ra: later(still.ra, motion.pmra), dec: later(still.dec, motion.pmdec) };
    const fast = memoryTable(tableOf({ ...still, ...motion }));
    const slow = memoryTable(tableOf({ ra: then.ra, dec: then.dec }));
    const epochs = { epoch: 'J2000', pmRaCosdec: 'pmra', pmDec: 'pmdec' };
    const stream = await (moving === 'left'
      ? crossmatch(fast, slow, { radiusArcsec: 1, left: epochs, right: { epoch: 'J2010' } }, { runtime, assess: true })
      : crossmatch(
          slow,
          fast,
          { radiusArcsec: 1, left: { epoch: 'J2010' }, right: epochs },
          { runtime, assess: true },
        ));
    for await (const _ of stream);
    const { trust, pairCount } = stream.summary();
    expect(pairCount).toBe(rowCount);
    expect(trust?.matched.count).toBe(rowCount);
    expect(trust?.rayleigh?.sigmaArcsec).toBeCloseTo(0.1, 2);
    expect(trust?.notes).toEqual([]);
  });

  test('is refused where there is nothing to measure', async () => {
    const reader = () => table(left, 'left', 1000);
    const context = { runtime, assess: true };
    await expect(selfMatch(reader(), { radiusArcsec: 2 }, context)).rejects.toMatchObject({
      reason: 'OPTIONS_CONFLICT',
    });
    await expect(crossmatch(reader(), reader(), { radiusArcsec: 3601 }, context)).rejects.toMatchObject({
      reason: 'OPTIONS_CONFLICT',
    });
  });
});

test('a sample is spread over the table, bounded, and the same for any pieces', () => {
  const rowCount = 100_000;
  const all = { ra: Float64Array.from({ length: rowCount }, (_, i) => i / 1000), dec: new Float64Array(rowCount) };
  all.dec[5] = 91;
  const sampleOf = (step: number) => {
    const sample = new LeftSample(undefined, undefined, 1000);
    for (let from = 0; from < rowCount; from += step)
      sample.add({ ra: all.ra.subarray(from, from + step), dec: all.dec.subarray(from, from + step) }, undefined);
    return sample.rows().ra;
  };
  const whole = sampleOf(rowCount);
  expect(whole.length).toBe(1000);
  expect(sampleOf(7)).toEqual(whole);
  expect(sampleOf(1000)).toEqual(whole);
  expect(whole).toEqual(whole.slice().sort());
  // The mean of 1,000 uniform values in [0, 100) is 50 +- 0.91.
  expect(Math.abs(whole.reduce((sum, ra) => sum + ra, 0) / 1000 - 50)).toBeLessThan(4);
  const few = new LeftSample(undefined, undefined, 1000);
  few.add({ ra: all.ra.subarray(0, 10), dec: all.dec.subarray(0, 10) }, undefined);
  expect(few.rows().ra).toEqual(all.ra.filter((_, i) => i < 10 && i !== 5));
});

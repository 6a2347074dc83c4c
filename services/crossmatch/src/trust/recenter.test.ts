import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import type { Positions } from '@armilla/sky';
import { crossmatch, type Find, type MatchOptions, type MatchSummary, selfMatch } from '../index.js';
import { memoryTable, tableOf } from '../testing/memory-table.js';
import { rotated, shifted, type Vector3 } from './tangent.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

const ROW_COUNT = 4000;

/** Right rows, and left ones that stand 0.1 arcsec per axis from them before they are turned away. */
function pair(seed: number, turn: Vector3, sideDeg: number): { left: Positions; right: Positions } {
  const random = new Random(seed);
  const columns = () => ({ ra: new Float64Array(ROW_COUNT), dec: new Float64Array(ROW_COUNT) });
  const [left, right] = [columns(), columns()];
  for (let i = 0; i < ROW_COUNT; i++) {
    right.ra[i] = (360 + random.between(-sideDeg, sideDeg)) % 360;
    right.dec[i] = 60 + random.between(-sideDeg, sideDeg);
    const one = { ra: right.ra.slice(i, i + 1), dec: right.dec.slice(i, i + 1) };
    const there = shifted(one, 0.1 * Math.hypot(random.normal(), random.normal()), random.between(0, 7));
    [left.ra[i], left.dec[i]] = [there.ra[0], there.dec[0]];
  }
  return { left: rotated(left, turn.map((angle) => -angle) as unknown as Vector3), right };
}

async function match(left: Positions, right: Positions, options: Partial<MatchOptions>): Promise<MatchSummary> {
  const reader = ({ ra, dec }: Positions) => memoryTable(tableOf({ ra, dec }), { batchRowCount: 700 });
  const context = { runtime, assess: true, openLeftAgain: () => Promise.resolve(reader(left)) };
  const stream = await crossmatch(reader(left), reader(right), { radiusArcsec: 1, ...options }, context);
  for await (const _ of stream);
  return stream.summary();
}

test('a turn drawn back and forth gives the same positions', () => {
  const { right } = pair(1, [0, 0, 0], 20);
  const there = rotated(rotated(right, [3, -2, 5]), [-3, 2, -5]);
  for (let i = 0; i < ROW_COUNT; i++) expect(Math.abs(there.dec[i] - right.dec[i])).toBeLessThan(1e-12);
});

test.each(['nearest', 'all', 'mutual', 'one-to-one'] as Find[])(
  'find=%s: tables that are turned against each other match after recentering',
  async (find) => {
    const { left, right } = pair(2, [1.2, -0.9, 1], 25);
    expect((await match(left, right, { find })).pairCount).toBeLessThan(0.8 * ROW_COUNT);
    const { pairCount, recentering, trust, warnings } = await match(left, right, { find, recenter: true });
    expect(pairCount).toBe(ROW_COUNT);
    expect(recentering?.turnArcsec.map((angle) => Math.round(10 * angle))).toEqual([12, -9, 10]);
    expect(warnings).toEqual([]);
    // What is left is as large as its error.
    const { offset } = trust ?? {};
    if (!offset) throw new Error('no offset');
    expect(Math.abs(offset.raCosdecArcsec)).toBeLessThan(5 * offset.raCosdecStandardErrorArcsec);
    expect(Math.abs(offset.decArcsec)).toBeLessThan(5 * offset.decStandardErrorArcsec);
  },
);

test('pairs of one arcminute, which tell no rotation, are shifted', async () => {
  const { left, right } = pair(3, [0.5, 0.5, 0.2], 0.004);
  const some = ({ ra, dec }: Positions) => ({ ra: ra.slice(0, 20), dec: dec.slice(0, 20) });
  const { trust, recentering } = await match(some(left), some(right), { recenter: true });
  expect(recentering).toBeDefined();
  expect(Math.abs(trust?.offset?.decArcsec ?? 1)).toBeLessThan(0.2);
  expect(Math.abs(trust?.offset?.raCosdecArcsec ?? 1)).toBeLessThan(0.2);
});

test('without pairs nothing is turned, and a warning says so', async () => {
  const { left } = pair(4, [0, 0, 0], 1);
  const { warnings, recentering } = await match(
    left,
    { ra: Float64Array.of(100), dec: Float64Array.of(-70) },
    { recenter: true },
  );
  expect(recentering).toBeUndefined();
  expect(warnings.join()).toContain('not recentered');
});

test('is refused for a stream, with epochs, and for a table with itself', async () => {
  const reader = () =>
    memoryTable(tableOf({ ra: Float64Array.of(1), dec: Float64Array.of(1), pm: Float64Array.of(1) }));
  const conflict = { reason: 'OPTIONS_CONFLICT' };
  const again = { runtime, openLeftAgain: () => Promise.resolve(reader()) };
  const options = { radiusArcsec: 1, recenter: true };
  await expect(crossmatch(reader(), reader(), options, { runtime })).rejects.toMatchObject(conflict);
  await expect(selfMatch(reader(), options, again)).rejects.toMatchObject(conflict);
  const moving = {
    ...options,
    left: { epoch: 'J2016', pmRaCosdec: 'pm', pmDec: 'pm' },
    right: { epoch: 'J2000' },
  };
  await expect(crossmatch(reader(), reader(), moving, again)).rejects.toMatchObject(conflict);
});

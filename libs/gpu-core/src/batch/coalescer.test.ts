import { fail, type Problem, Random } from '@armilla/base';
import { SimulatedClock } from '../memory/device/simulated-clock.js';
import { Coalescer } from './coalescer.js';
import { packRagged, unpackRagged } from './ragged.js';

const flushed = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Sum of squares of one row: what a kernel over ragged rows gives for each. */
const alone = (row: Float64Array): number => row.reduce((sum, x) => sum + x * x, 0);
function batched(rows: readonly Float64Array[]): number[] {
  const { values, offsets } = packRagged(rows, Float64Array);
  return rows.map((_, i) => {
    let sum = 0;
    for (let at = offsets[i]; at < offsets[i + 1]; at++) sum += values[at] * values[at];
    return sum;
  });
}

test.each([1, 2, 3, 4, 5])(
  'results are those of one by one, bad and cancelled members apart (seed %i)',
  async (seed) => {
    const random = new Random(seed);
    const clock = new SimulatedClock();
    const coalescer = new Coalescer<Float64Array, number>({
      run: async (rows) => {
        await flushed();
        if (rows.some((row) => row[0] === -1)) throw new RangeError('a row that no kernel takes');
        return batched(rows).map((sum, i): number | Problem => (rows[i][0] === -2 ? fail('BAD_ROW', { row: i }) : sum));
      },
      sizeOf: (row) => row.length,
      maxItems: 1 + random.below(40),
      maxSize: 1 + random.below(400),
      maxWaitMs: random.below(3),
      concurrency: 1 + random.below(3),
      clock,
    });
    const expected: string[] = [];
    const members: Promise<number>[] = [];
    for (let i = 0; i < 300; i++) {
      const row = Float64Array.from({ length: random.below(30) }, () => random.normal());
      const dice = random.uniform();
      const aborter = new AbortController();
      if (row.length > 0 && dice < 0.03) row[0] = -1;
      else if (row.length > 0 && dice < 0.06) row[0] = -2;
      members.push(coalescer.add(row, { tenant: `tenant ${random.below(4)}`, signal: aborter.signal }));
      if (dice > 0.95) aborter.abort(fail('CANCELLED'));
      if (dice > 0.95) expected.push('CANCELLED');
      else expected.push(row[0] === -1 ? 'INTERNAL' : row[0] === -2 ? 'BAD_ROW' : String(alone(row)));
      if (random.uniform() < 0.1) await flushed();
      if (random.uniform() < 0.2) clock.advance(1);
    }
    coalescer.flush();
    const all = Promise.allSettled(members);
    for (let i = 0; i < 2000 && coalescer.stats.waitingCount > 0; i++) {
      clock.advance(5);
      await flushed();
    }
    const settled = await all;
    expect(
      settled.map((one) => (one.status === 'fulfilled' ? String(one.value) : (one.reason as Problem).reason)),
    ).toEqual(expected);
    expect(coalescer.stats.batchCount).toBeLessThan(coalescer.stats.itemCount);
  },
);

/** A coalescer that shows its batches and runs until told. */
function observed(options: {
  maxItems?: number;
  maxSize?: number;
  maxWaitMs?: number;
  sizeOf?: (item: string) => number;
}) {
  const clock = new SimulatedClock();
  const batches: { items: readonly string[]; signal: AbortSignal; finish: (error?: unknown) => void }[] = [];
  const coalescer = new Coalescer<string, string>({
    run: (items, signal) =>
      new Promise((resolve, reject) => {
        batches.push({
          items,
          signal,
          finish: (error) => (error ? reject(error) : resolve(items.map((i) => `${i}!`))),
        });
      }),
    clock,
    ...options,
  });
  return { clock, batches, coalescer };
}

test('a batch starts when it is full or its first member has waited', async () => {
  const { clock, batches, coalescer } = observed({ maxItems: 2, maxWaitMs: 10 });
  const first = coalescer.add('a');
  clock.advance(9);
  expect(batches).toHaveLength(0);
  clock.advance(1);
  expect(batches[0].items).toEqual(['a']);
  const others = [coalescer.add('b'), coalescer.add('c'), coalescer.add('d')];
  batches[0].finish();
  await expect(first).resolves.toBe('a!');
  await flushed();
  expect(batches[1].items).toEqual(['b', 'c']);
  batches[1].finish();
  await flushed();
  expect(batches).toHaveLength(2);
  clock.advance(10);
  expect(batches[2].items).toEqual(['d']);
  batches[2].finish();
  await expect(Promise.all(others)).resolves.toEqual(['b!', 'c!', 'd!']);
});

test('an item that its caller runs itself holds up the others like a batch', async () => {
  const batches: number[][] = [];
  const coalescer = new Coalescer<number, number>({
    maxWaitMs: 0,
    run: (items) => {
      batches.push([...items]);
      return Promise.resolve(items);
    },
  });
  expect(coalescer.idle).toBe(true);
  const leave = coalescer.occupy();
  expect(coalescer.idle).toBe(false);
  const all = Promise.all([1, 2, 3].map((item) => coalescer.add(item)));
  expect(batches).toEqual([]);
  leave();
  expect(await all).toEqual([1, 2, 3]);
  expect(batches).toEqual([[1, 2, 3]]);
  expect(coalescer.stats).toMatchObject({ batchCount: 2, itemCount: 4 });
  expect(new Coalescer<number, number>({ maxWaitMs: 1, run: () => Promise.resolve([]) }).idle).toBe(false);
});

test('sizes fill a batch, and a larger item goes alone', async () => {
  const { clock, batches, coalescer } = observed({ maxSize: 4, maxWaitMs: 1, sizeOf: (item) => item.length });
  const all = ['aaaaaaa', 'bb', 'cc', 'd'].map((item) => coalescer.add(item));
  for (let i = 0; i < 3; i++) {
    clock.advance(1);
    batches[i].finish();
    await flushed();
  }
  await Promise.all(all);
  expect(batches.map(({ items }) => items)).toEqual([['aaaaaaa'], ['bb', 'cc'], ['d']]);
});

test('tenants fill a batch by turns', async () => {
  const { clock, batches, coalescer } = observed({ maxItems: 4, maxWaitMs: 5 });
  const members = [coalescer.add('first')];
  clock.advance(5);
  for (let i = 0; i < 5; i++) members.push(coalescer.add(`busy ${i}`, { tenant: 'busy' }));
  for (let i = 0; i < 2; i++) members.push(coalescer.add(`quiet ${i}`, { tenant: 'quiet' }));
  batches[0].finish();
  await flushed();
  expect(batches[1].items).toEqual(['busy 0', 'quiet 0', 'busy 1', 'quiet 1']);
  batches[1].finish();
  await flushed();
  clock.advance(5);
  batches[2].finish();
  expect(await Promise.all(members)).toHaveLength(8);
});

test('a member leaves: waiting it is not run, running the others go on, the last one out ends the batch', async () => {
  const { clock, batches, coalescer } = observed({ maxWaitMs: 1 });
  const aborters = Array.from({ length: 3 }, () => new AbortController());
  const members = aborters.map(({ signal }, i) => coalescer.add(`m${i}`, { signal }));
  aborters[0].abort(fail('CANCELLED'));
  await expect(members[0]).rejects.toMatchObject({ reason: 'CANCELLED' });
  clock.advance(1);
  expect(batches[0].items).toEqual(['m1', 'm2']);
  aborters[1].abort(fail('CANCELLED'));
  await expect(members[1]).rejects.toMatchObject({ reason: 'CANCELLED' });
  expect(batches[0].signal.aborted).toBe(false);
  aborters[2].abort(fail('CANCELLED'));
  await expect(members[2]).rejects.toMatchObject({ reason: 'CANCELLED' });
  expect(batches[0].signal.aborted).toBe(true);
});

test('a fault of the device is the fault of all, without further tries', async () => {
  const { clock, batches, coalescer } = observed({ maxWaitMs: 1 });
  const members = [coalescer.add('a'), coalescer.add('b')];
  clock.advance(1);
  batches[0].finish(fail('DEVICE_UNAVAILABLE', { provider: 'simulated', detail: 'lost' }));
  const settled = await Promise.allSettled(members);
  expect(settled.map((one) => one.status === 'rejected' && (one.reason as Problem).reason)).toEqual([
    'DEVICE_UNAVAILABLE',
    'DEVICE_UNAVAILABLE',
  ]);
  expect(batches).toHaveLength(1);
});

test('sizes and limits that make no sense are refused', async () => {
  expect(() => observed({ maxItems: 0 })).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
  const { coalescer } = observed({ sizeOf: () => NaN });
  await expect(coalescer.add('a')).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
});

test('ragged rows come back as they were, empty ones too', () => {
  const rows = [Float32Array.of(1, 2), Float32Array.of(), Float32Array.of(3)];
  expect(unpackRagged(packRagged(rows, Float32Array))).toEqual(rows);
  expect(unpackRagged(packRagged([], Float32Array))).toEqual([]);
});

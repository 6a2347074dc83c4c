import { Problem, Random } from '@armilla/base';
import { Admission, type Permit } from './admission.js';

const make = (options = {}) => new Admission({ limitBytes: 100, queueLength: 2, waitSeconds: 30, ...options });

async function reasonOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return error instanceof Problem ? error.reason : String(error);
  }
  return 'none';
}

test('admits up to the limit, then in order of arrival', async () => {
  const admission = make({ queueLength: 5 });
  const first = await admission.admit(60);
  const order: string[] = [];
  const large = admission.admit(80).then((permit) => (order.push('large'), permit));
  const small = admission.admit(10).then((permit) => (order.push('small'), permit));
  await Promise.resolve();
  // 10 bytes would fit, but the large call came first and must not starve.
  expect(order).toEqual([]);
  expect(admission.stats()).toEqual({ limitBytes: 100, reservedBytes: 60, running: 1, waiting: 2 });
  first.release();
  first.release();
  const permits = [await large, await small];
  expect(order).toEqual(['large', 'small']);
  permits.forEach((permit) => permit.release());
  expect(admission.stats()).toEqual({ limitBytes: 100, reservedBytes: 0, running: 0, waiting: 0 });
});

test('refuses what can never fit, a full queue and too long a wait, and says when to retry', async () => {
  const admission = make({ waitSeconds: 0.05 });
  expect(await reasonOf(() => admission.admit(101))).toBe('MEMORY_OVER_LIMIT');
  const held = await admission.admit(100);
  const waiting = [reasonOf(() => admission.admit(1)), reasonOf(() => admission.admit(1))];
  const busy = await admission.admit(1).catch((error: Problem) => error);
  expect(busy).toMatchObject({ reason: 'SERVER_BUSY', fields: { running: 1, waiting: 2 } });
  expect((busy as Problem).fields.retry_seconds).toBeGreaterThanOrEqual(1);
  expect(await Promise.all(waiting)).toEqual(['MEMORY_EXHAUSTED', 'MEMORY_EXHAUSTED']);
  held.release();
  expect(admission.stats().waiting).toBe(0);
});

test('a call that gives up makes room for the next', async () => {
  const admission = make();
  const held = await admission.admit(50);
  const abort = new AbortController();
  const large = reasonOf(() => admission.admit(90, abort.signal));
  const small = admission.admit(50);
  abort.abort();
  expect(await large).toBe('CANCELLED');
  (await small).release();
  held.release();
  expect(await reasonOf(() => admission.admit(1, AbortSignal.abort()))).toBe('CANCELLED');
});

test('a permit grows at once where there is room, else when others give theirs back, the oldest first', async () => {
  const admission = make();
  const [a, b, c] = [await admission.admit(30), await admission.admit(30), await admission.admit(10)];
  expect(a.grow(40)).toBeUndefined();
  expect(a.grow(20)).toBeUndefined();
  expect(a.bytes).toBe(40);
  const order: string[] = [];
  const late = Promise.resolve(c.grow(50)).then(() => order.push('c'));
  const early = Promise.resolve(b.grow(90)).then(() => order.push('b'));
  // What would fit comes after those inside.
  const entered = admission.admit(5).then((permit) => (order.push('new'), permit));
  await new Promise((resolve) => setImmediate(resolve));
  expect(order).toEqual([]);
  a.release();
  await early;
  expect(b.bytes).toBe(90);
  expect(order).toEqual(['b']);
  b.release();
  await late;
  (await entered).release();
  expect(order).toEqual(['b', 'c', 'new']);
  expect(await reasonOf(() => c.grow(101))).toBe('MEMORY_OVER_LIMIT');
  c[Symbol.dispose]();
  expect(() => c.grow(1)).toThrow(TypeError);
  expect(admission.stats()).toEqual({ limitBytes: 100, reservedBytes: 0, running: 0, waiting: 0 });
  await expect(admission.admit(NaN)).rejects.toThrow(RangeError);
});

test('of holders that all wait for more, the youngest is refused until one can go on', async () => {
  const admission = make({ queueLength: 5 });
  const permits = await Promise.all([30, 30, 30].map((bytes) => admission.admit(bytes)));
  const outcomes = permits.map((permit) =>
    reasonOf(async () => {
      try {
        await permit.grow(60);
      } finally {
        permit.release();
      }
    }),
  );
  expect(await Promise.all(outcomes)).toEqual(['none', 'none', 'MEMORY_EXHAUSTED']);
  expect(admission.stats()).toMatchObject({ reservedBytes: 0, running: 0 });
});

test('waiting for more ends with the wait or the call', async () => {
  const admission = make({ waitSeconds: 0.05 });
  const [a, b] = [await admission.admit(60), await admission.admit(30)];
  expect(await reasonOf(() => b.grow(50))).toBe('MEMORY_EXHAUSTED');
  const abort = new AbortController();
  const waiting = reasonOf(() => b.grow(50, abort.signal));
  abort.abort();
  expect(await waiting).toBe('CANCELLED');
  a.release();
  expect(b.grow(100)).toBeUndefined();
  b.release();
});

test('never over the limit and nothing lost, over random traffic', async () => {
  const random = new Random(7);
  const admission = make({ queueLength: 1000 });
  let now = 0;
  const call = async (): Promise<void> => {
    const permit: Permit = await admission.admit(1 + random.below(100));
    now += permit.bytes;
    expect(now).toBeLessThanOrEqual(100);
    await new Promise((resolve) => setTimeout(resolve, random.below(3)));
    const before = permit.bytes;
    const grown = await Promise.resolve(permit.grow(Math.min(100, before + random.below(30)))).catch(() => undefined);
    expect(grown).toBeUndefined();
    now += permit.bytes - before;
    expect(now).toBeLessThanOrEqual(100);
    now -= permit.bytes;
    permit.release();
  };
  await Promise.all(Array.from({ length: 300 }, call));
  expect(admission.stats()).toMatchObject({ reservedBytes: 0, running: 0, waiting: 0 });
});

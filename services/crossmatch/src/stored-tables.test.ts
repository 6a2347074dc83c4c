import { Runtime } from '@armilla/gpu-core';
import { CatalogTable } from './index.js';
import { StoredTables } from './stored-tables.js';
import { memoryTable, tableOf } from './testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 1 });
});
afterAll(() => runtime.close());

const table = (): Promise<CatalogTable> =>
  CatalogTable.load(memoryTable(tableOf({ ra: Float64Array.of(1, 2), dec: Float64Array.of(3, 4) })), { runtime });

/** Counts the disposals of a table. */
function watched(of: CatalogTable): { readonly count: number } {
  const dispose = of.dispose.bind(of);
  const seen = { count: 0 };
  of.dispose = () => {
    seen.count++;
    return dispose();
  };
  return seen;
}

function shelf(quotaBytes = 2 ** 30): { stored: StoredTables; clock: { ms: number } } {
  const clock = { ms: 1_000_000 };
  return { stored: new StoredTables({ quotaBytes, defaultTtlSeconds: 60, now: () => clock.ms }), clock };
}

test('a table expires a time after its last use', async () => {
  const { stored, clock } = shelf();
  const one = await table();
  const disposed = watched(one);
  await stored.put('one', one, 'digest');
  clock.ms += 59_000;
  await stored.use('one')[Symbol.asyncDispose]();
  clock.ms += 59_000;
  expect(stored.list().map(({ name }) => name)).toEqual(['one']);
  clock.ms += 1_000;
  expect(() => stored.use('one')).toThrow(expect.objectContaining({ reason: 'HANDLE_NOT_FOUND' }));
  expect(disposed.count).toBe(1);
  await stored[Symbol.asyncDispose]();
});

test('a table in use does not expire', async () => {
  const { stored, clock } = shelf();
  await stored.put('one', await table(), 'digest', { ttlSeconds: 5 });
  const lease = stored.use('one');
  clock.ms += 100_000;
  expect(stored.get('one').digest).toBe('digest');
  await lease[Symbol.asyncDispose]();
  clock.ms += 5_000;
  expect(stored.list()).toEqual([]);
  await stored[Symbol.asyncDispose]();
});

test('a table that is deleted or replaced while in use is disposed of after its last use, once', async () => {
  const { stored } = shelf();
  const [one, two] = [await table(), await table()];
  const disposed = [watched(one), watched(two)];
  await stored.put('t', one, '1');
  const leases = [stored.use('t'), stored.use('t')];
  await stored.put('t', two, '2', { replace: true });
  expect(stored.get('t').digest).toBe('2');
  await leases[0][Symbol.asyncDispose]();
  await leases[0][Symbol.asyncDispose]();
  expect(disposed.map(({ count }) => count)).toEqual([0, 0]);
  await leases[1][Symbol.asyncDispose]();
  expect(disposed.map(({ count }) => count)).toEqual([1, 0]);
  await stored.delete('t');
  expect(disposed.map(({ count }) => count)).toEqual([1, 1]);
  await stored[Symbol.asyncDispose]();
});

test('what is refused is disposed of', async () => {
  const first = await table();
  const { stored } = shelf(first.bytes * 1.5);
  await stored.put('first', first, '1');
  for (const [name, reason] of [
    ['first', 'HANDLE_EXISTS'],
    ['second', 'QUOTA_EXCEEDED'],
    ['a/b', 'HANDLE_INVALID'],
  ]) {
    const refused = await table();
    const disposed = watched(refused);
    await expect(stored.put(name, refused, '2')).rejects.toMatchObject({ reason });
    expect(disposed.count).toBe(1);
  }
  await expect(stored.put('first', await table(), '3', { replace: true })).resolves.toMatchObject({ digest: '3' });
  await stored[Symbol.asyncDispose]();
});

test.each([-1, 1.5, 31_536_001, NaN])('a time to live of %d s is refused', (seconds) => {
  const { stored } = shelf();
  expect(() => stored.ttlSeconds(seconds)).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

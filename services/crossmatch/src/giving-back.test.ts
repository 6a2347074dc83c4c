import { Runtime } from '@armilla/gpu-core';
import type { Table } from 'apache-arrow';
import { CatalogTable, crossmatch } from './index.js';
import { memoryTable, tableOf } from './testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

const one: Table = tableOf({ ra: Float64Array.of(10), dec: Float64Array.of(20) });
const refused = (reason: string) => expect.objectContaining({ reason }) as Error;

describe('giving back', () => {
  test('leaving the loop early closes the readers', async () => {
    const ones = new Float64Array(5000).fill(1);
    const left = memoryTable(tableOf({ ra: ones, dec: ones }), { batchRowCount: 100 });
    const right = memoryTable(one);
    for await (const _ of await crossmatch(
      left,
      right,
      { radiusArcsec: 648_000, columns: ['left_row'] },
      { runtime, execution: { chunkRowCount: 100 } },
    ))
      break;
    expect(left.closed).toBe(1);
    expect(right.closed).toBe(1);
  });

  test('an aborted match ends with the reason of the abort', async () => {
    const abort = new AbortController();
    const stream = await crossmatch(
      memoryTable(one),
      memoryTable(one),
      { radiusArcsec: 1 },
      { runtime, signal: abort.signal },
    );
    abort.abort(new Error('enough'));
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toThrow('enough');
  });

  test('a match that is closed has ended, whoever still waits for its next batch', async () => {
    const ones = new Float64Array(5000).fill(1);
    const left = memoryTable(tableOf({ ra: ones, dec: ones }), { batchRowCount: 100 });
    const stream = await crossmatch(left, memoryTable(one), { radiusArcsec: 648_000 }, { runtime });
    const reader = stream[Symbol.asyncIterator]();
    let waits = true;
    const next = reader.next().finally(() => (waits = false));
    next.catch(() => undefined);
    await stream.close();
    expect([waits, left.closed]).toEqual([false, 1]);
    await stream.close();
  });

  test('a failed start closes both readers', async () => {
    const [left, right] = [memoryTable(one), memoryTable(one)];
    await expect(crossmatch(left, right, { radiusArcsec: -1 }, { runtime })).rejects.toEqual(
      refused('RADIUS_OUT_OF_RANGE'),
    );
    expect([left.closed, right.closed]).toEqual([1, 1]);
  });

  test('a resident table cannot be matched by other columns than its index has', async () => {
    await using resident = await CatalogTable.load(memoryTable(one), { runtime });
    await expect(
      crossmatch(memoryTable(one), resident, { radiusArcsec: 1, right: { ra: 'dec' } }, { runtime }),
    ).rejects.toEqual(refused('OPTIONS_CONFLICT'));
  });
});

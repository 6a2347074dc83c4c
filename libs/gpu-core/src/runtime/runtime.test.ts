import { Runtime } from '../index.js';

const sleep = 'node:timers/promises';

test('runs functions of modules in workers; their failures are typed', async () => {
  const runtime = await Runtime.create({ workerCount: 2 });
  expect(await runtime.call('node:path', 'join', ['a', 'b'])).toBe('a/b');
  expect(runtime.workerCount).toBe(2);
  await expect(runtime.call('node:path', 'nothing', [])).rejects.toMatchObject({ reason: 'INTERNAL' });
  await expect(runtime.call('node:path', 'join', [() => 0])).rejects.toMatchObject({ reason: 'INTERNAL' });
  expect(await runtime.call('node:path', 'join', ['still', 'there'])).toBe('still/there');
  await runtime.close();
});

test('a worker that dies fails its call and is replaced', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const dead = runtime.call('node:process', 'exit', [3]);
  const behind = runtime.call('node:path', 'join', ['a', 'b']);
  await expect(dead).rejects.toMatchObject({ reason: 'INTERNAL' });
  expect(await behind).toBe('a/b');
  await runtime.close();
});

test('callers take turns', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const order: string[] = [];
  const [a, b] = [{}, {}];
  const call = async (name: string, fairKey: object): Promise<void> => {
    await runtime.call(sleep, 'setTimeout', [1], { fairKey });
    order.push(name);
  };
  await Promise.all([
    ...Array.from({ length: 6 }, () => call('a', a)),
    ...Array.from({ length: 3 }, () => call('b', b)),
  ]);
  expect(order.join('').slice(0, 7)).toMatch(/^a*(ab){3}|^(ab){3}/);
  expect(order.lastIndexOf('b')).toBeLessThan(7);
  await runtime.close();
});

test('an aborted call does not wait; a closed runtime refuses', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const abort = new AbortController();
  const call = runtime.call(sleep, 'setTimeout', [60_000], { signal: abort.signal });
  const queued = runtime.call('node:path', 'join', ['a']);
  abort.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  const closed = runtime.close();
  await expect(queued).rejects.toMatchObject({ reason: 'DRAINING' });
  await closed;
  await expect(runtime.call('node:path', 'join', ['a'])).rejects.toMatchObject({ reason: 'DRAINING' });
});

test('heaps count against the memory limit and leave with their last tenant', async () => {
  const runtime = await Runtime.create({ workerCount: 1, memoryLimitBytes: 64 * 2 ** 20 });
  const heap = runtime.openHeap(1000, 'small');
  expect(runtime.openHeap(2000, 'another')).toBe(heap);
  expect(() => heap.lease(65 * 2 ** 20, 'too much')).toThrow(expect.objectContaining({ reason: 'MEMORY_OVER_LIMIT' }));
  expect(() => heap.lease(64 * 2 ** 20, 'no rest')).toThrow(expect.objectContaining({ reason: 'MEMORY_EXHAUSTED' }));
  const lease = heap.lease(2 ** 20, 'fits');
  expect(runtime.stats()).toMatchObject({ liveHeaps: 1, leasedBytes: 2 ** 20 });
  runtime.closeHeap(heap);
  lease[Symbol.dispose]();
  runtime.closeHeap(heap);
  await runtime.close();
  expect(runtime.stats()).toMatchObject({ liveHeaps: 0, heapBytes: 0, leasedBytes: 0 });
});

test.each([{ workerCount: 0 }, { workerCount: 1.5 }, { memoryLimitBytes: -1 }])('%j is refused', async (options) => {
  await expect(Runtime.create(options)).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
});

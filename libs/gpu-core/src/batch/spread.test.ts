import { fail } from '@armilla/base';
import { spreadOver } from './spread.js';

const later = (turns: number): Promise<void> =>
  turns === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(later(turns - 1))));

test('results are in order, and the faster device does more', async () => {
  const done = { slow: 0, fast: 0 };
  const results = await spreadOver({
    devices: ['slow', 'fast'] as const,
    chunkCount: 60,
    run: async (device, chunk) => {
      await later(device === 'slow' ? 20 : 1);
      done[device]++;
      return chunk * chunk;
    },
  });
  expect(results).toEqual(Array.from({ length: 60 }, (_, i) => i * i));
  expect(done.slow + done.fast).toBe(60);
  expect(done.fast).toBeGreaterThan(done.slow);
});

test('chunks of a device that is lost go to the others, also when those had finished', async () => {
  const ran: string[] = [];
  const results = await spreadOver({
    devices: ['a', 'b'],
    chunkCount: 6,
    ahead: 1,
    run: async (device, chunk) => {
      if (device === 'a') {
        await later(50);
        throw fail('DEVICE_UNAVAILABLE', { provider: 'simulated', detail: 'lost' });
      }
      ran.push(device);
      return chunk;
    },
  });
  expect(results).toEqual([0, 1, 2, 3, 4, 5]);
  expect(ran).toHaveLength(6);
});

test('without a device, and when all are lost, it fails for that', async () => {
  const lost = fail('DEVICE_UNAVAILABLE', { provider: 'simulated', detail: 'lost' });
  const run = (): Promise<number> => Promise.reject(lost);
  await expect(spreadOver({ devices: ['a', 'b'], chunkCount: 5, run })).rejects.toBe(lost);
  await expect(spreadOver({ devices: [], chunkCount: 5, run })).rejects.toMatchObject({ reason: 'DEVICE_UNAVAILABLE' });
  await expect(spreadOver({ devices: [], chunkCount: 0, run })).resolves.toEqual([]);
});

test('the fault of a chunk and the signal end all', async () => {
  const bad = new Error('a bad chunk');
  let started = 0;
  const run = async (_: string, chunk: number, signal: AbortSignal): Promise<number> => {
    started++;
    await later(1);
    if (chunk === 3) throw bad;
    signal.throwIfAborted();
    return chunk;
  };
  await expect(spreadOver({ devices: ['a', 'b'], chunkCount: 1000, run })).rejects.toBe(bad);
  expect(started).toBeLessThan(50);
  const aborter = new AbortController();
  const spread = spreadOver({ devices: ['a'], chunkCount: 3, run, signal: aborter.signal });
  const reason = fail('CANCELLED');
  aborter.abort(reason);
  await expect(spread).rejects.toBe(reason);
});

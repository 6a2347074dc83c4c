import { EarlySync } from './earlySync.js';

const MIB = 1 << 20;

test('syncs once per 64 MiB, never two at a time, and once at the end', async () => {
  let running = 0;
  let syncs = 0;
  const disk = new EarlySync(async () => {
    expect(++running).toBe(1);
    syncs++;
    await new Promise((resolve) => setImmediate(resolve));
    running--;
  });
  disk.wrote(63 * MIB);
  expect(syncs).toBe(0);
  disk.wrote(MIB);
  disk.wrote(100 * MIB);
  expect(syncs).toBe(1);
  await disk.settled();
  disk.wrote(0);
  await disk.finish();
  expect(syncs).toBe(3);
});

test('a failed sync is thrown by the next write and at the end', async () => {
  const disk = new EarlySync(() => Promise.reject(new Error('no space')));
  disk.wrote(64 * MIB);
  await disk.settled();
  expect(() => disk.wrote(1)).toThrow('no space');
  await expect(disk.finish()).rejects.toThrow('no space');
});

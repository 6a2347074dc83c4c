import { Random } from '@armilla/base';
import type { DeviceBuffer } from './buffer-source.js';
import { SimulatedBuffers } from './simulated-buffers.js';
import { StagingRing, type StagingRingOptions } from './staging-ring.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function ringOf(direction: 'upload' | 'readback', options: Partial<StagingRingOptions> = {}) {
  const device = new SimulatedBuffers();
  const mapped = new Set<DeviceBuffer>();
  const ring = new StagingRing(device, device, {
    direction,
    usage: 1,
    segmentBytes: 4096,
    segmentCount: 2,
    map: async (buffer) => {
      await turn();
      mapped.add(buffer);
    },
    unmap: (buffer) => mapped.delete(buffer),
    ...options,
  });
  return { device, mapped, ring };
}

test.each([1, 2, 3])(
  'uploads never overlap what is in flight, and are written while mapped (seed %i)',
  async (seed) => {
    const { device, mapped, ring } = ringOf('upload');
    const random = new Random(seed);
    const inFlight: { buffer: DeviceBuffer; offset: number; end: number; epoch: number }[] = [];
    let filled = 0;
    const upload = async (): Promise<void> => {
      const byteLength = 1 + random.below(3000);
      const region = await ring.take(byteLength, {
        fill: (buffer) => {
          filled++;
          expect(mapped.has(buffer)).toBe(true);
        },
      });
      const end = region.offset + byteLength;
      expect([region.offset % 256, end <= 4096]).toEqual([0, true]);
      const clash = inFlight.find(
        (other) =>
          other.epoch > device.completedEpoch &&
          other.buffer === region.buffer &&
          other.offset < end &&
          region.offset < other.end,
      );
      expect(clash).toBeUndefined();
      inFlight.push({ buffer: region.buffer, offset: region.offset, end, epoch: Infinity });
      const mine = inFlight[inFlight.length - 1];
      if (random.uniform() < 0.5) await turn();
      ring.seal();
      expect(mapped.has(region.buffer)).toBe(false);
      mine.epoch = device.submit();
      region.submitted(mine.epoch);
      region.release();
    };
    let ended = false;
    const all = Promise.all(Array.from({ length: 60 }, upload)).finally(() => (ended = true));
    while (!ended) {
      await turn();
      if (random.uniform() < 0.5) device.complete();
    }
    await all;
    expect(filled).toBe(60);
    expect(ring.waitCount).toBeGreaterThan(0);
    expect(device.createCount).toBe(2);
    ring[Symbol.dispose]();
    expect(device.usedBytes).toBe(0);
  },
);

test('a readback lands when its submit is done, and its neighbours were submitted', async () => {
  const { device, mapped, ring } = ringOf('readback');
  const first = await ring.take(1000);
  const neighbour = await ring.take(1000);
  expect(neighbour.buffer).toBe(first.buffer);
  first.submitted(device.submit());
  let landed = 0;
  const both = [first.landed().then(() => landed++)];
  device.complete();
  for (let i = 0; i < 5; i++) await turn();
  expect(landed).toBe(0);
  neighbour.submitted(device.submit());
  both.push(neighbour.landed().then(() => landed++));
  await turn();
  expect(mapped.size).toBe(0);
  device.complete();
  await Promise.all(both);
  expect(mapped.has(first.buffer)).toBe(true);
  first.release();
  expect(mapped.has(first.buffer)).toBe(true);
  neighbour.release();
  expect(mapped.size).toBe(0);
});

test('a taker that gives up leaves its turn to the next', async () => {
  const { device, ring } = ringOf('readback');
  const held = [await ring.take(4096), await ring.take(4096)];
  const aborter = new AbortController();
  const first = ring.take(10, { signal: aborter.signal });
  const second = ring.take(10);
  const reason = new Error('gone');
  aborter.abort(reason);
  await expect(first).rejects.toBe(reason);
  held[0].submitted(device.submit());
  device.complete();
  held[0].release();
  expect((await second).buffer).toBe(held[0].buffer);
});

test('misuse and impossible sizes are errors', async () => {
  const { device, ring } = ringOf('readback');
  await expect(ring.take(4097)).rejects.toMatchObject({ reason: 'MEMORY_OVER_LIMIT' });
  const region = await ring.take(10);
  const internal = expect.objectContaining({ reason: 'INTERNAL' });
  await expect(region.landed()).rejects.toMatchObject({ reason: 'INTERNAL' });
  region.submitted(device.submit());
  expect(() => region.submitted(1)).toThrow(internal);
  region.release();
  expect(() => region.release()).toThrow(internal);
  ring[Symbol.dispose]();
  await expect(Promise.all([ring.take(4096), ring.take(4096)])).rejects.toMatchObject({ reason: 'INTERNAL' });
  expect(() => ringOf('upload', { segmentBytes: 100 })).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

test('a ring that finds no room for all its segments leaves none behind', () => {
  const device = new SimulatedBuffers({ failAt: 3 });
  const options = { direction: 'upload', usage: 1, segmentBytes: 4096 } as const;
  expect(() => new StagingRing(device, device, options)).toThrow(
    expect.objectContaining({ reason: 'MEMORY_EXHAUSTED' }),
  );
  expect(device.usedBytes).toBe(0);
});

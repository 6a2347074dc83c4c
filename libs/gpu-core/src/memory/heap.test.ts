import { Random } from '@armilla/base';
import { Heap, HEAP_LIMIT_BYTES, type Lease } from './heap.js';

test('leases do not overlap, are aligned, and their room is used again', () => {
  const heap = new Heap('test', () => undefined);
  const random = new Random(1);
  const live: Lease[] = [];
  for (let i = 0; i < 3000; i++) {
    if (live.length > 0 && random.uniform() < 0.5) live.splice(random.below(live.length), 1)[0][Symbol.dispose]();
    else live.push(heap.lease(random.below(5000), `label ${i % 3}`));
  }
  const sorted = live.toSorted((a, b) => a.offset - b.offset);
  for (let i = 0; i < sorted.length; i++) {
    expect(sorted[i].offset % 64).toBe(0);
    if (i > 0) expect(sorted[i].offset).toBeGreaterThanOrEqual(sorted[i - 1].offset + sorted[i - 1].byteLength);
    expect(sorted[i].offset + sorted[i].byteLength).toBeLessThanOrEqual(heap.byteLength);
  }
  expect(heap.leaseCount).toBe(live.length);
  for (const lease of live) lease[Symbol.dispose]();
  const before = heap.byteLength;
  heap.lease(before - 100_000, 'all of it');
  expect(heap.byteLength).toBe(before);
  expect(heap.report()).toEqual(new Map([['all of it', heap.report().get('all of it')]]));
});

test('a lease given back twice is given back once', () => {
  const heap = new Heap('test', () => undefined);
  const lease = heap.lease(1000, 'a');
  lease[Symbol.dispose]();
  const next = heap.lease(1000, 'b');
  lease[Symbol.dispose]();
  expect(heap.lease(1000, 'c').offset).not.toBe(next.offset);
});

test('more than a kernel can address is a typed error', () => {
  const heap = new Heap('test', () => undefined);
  expect(() => heap.lease(HEAP_LIMIT_BYTES, 'too much')).toThrow(
    expect.objectContaining({ reason: 'MEMORY_EXHAUSTED' }),
  );
});

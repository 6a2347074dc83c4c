import { Random } from '@armilla/base';
import { orderRows, sharedOrder } from './order.js';
import { gatherWords, moveWords, wordsOf } from './words.js';

const isConsecutive = (rows: Int32Array): boolean => rows.every((row, i) => row === rows[0] + i);
const LIMITS = [1, 2, 1000, 2 ** 22 + 5, 2 ** 31 - 1];

test.each([1, 2, 1000, 16_384, 40_000])('%d values fetched in the order of memory come to their places', (count) => {
  for (const limit of LIMITS) {
    const random = new Random(count + limit);
    const rows = Int32Array.from({ length: count }, () => random.below(limit));
    const order = sharedOrder(count);
    expect(orderRows(rows, order)).toBe(isConsecutive(rows) ? 'consecutive' : 'sorted');
    if (isConsecutive(rows)) continue;
    expect(order.sorted).toEqual(new Int32Array(rows).sort());
    expect(new Set(order.slot).size).toBe(count);
    // The value of a row is the row itself: `from` would be too large for the largest.
    const kept = new Int32Array(count);
    order.slot.forEach((slot, k) => (kept[slot] = order.sorted[k]));
    expect(order.place.map((place) => kept[place])).toEqual(rows);
  }
});

test('rows that follow one another need no order', () => {
  const rows = Int32Array.from({ length: 40_000 }, (_, i) => 7 + i);
  expect(orderRows(rows, sharedOrder(40_000))).toBe('consecutive');
});

test('values stay within the block of rows that they belong to', () => {
  const random = new Random(5);
  const order = sharedOrder(50_000);
  orderRows(
    Int32Array.from({ length: 50_000 }, () => random.below(10_000)),
    order,
  );
  expect(order.place.every((place, i) => place >>> 14 === i >>> 14)).toBe(true);
});

test('rows that are missing have no order', () => {
  expect(orderRows(Int32Array.of(4, -1, 2), sharedOrder(3))).toBe('missing');
});

test.each([4, 8])('values of %d bytes move bit for bit', (byteWidth) => {
  const random = new Random(byteWidth);
  const bytes = Uint8Array.from({ length: 100 * byteWidth }, () => random.below(256));
  const from = wordsOf(bytes, byteWidth);
  const rows = Int32Array.of(3, 3, 50, 99);
  const out = wordsOf(new Uint8Array(4 * byteWidth), byteWidth);
  moveWords(from, rows, Int32Array.of(2, 0, 3, 1), out);
  expect([...out]).toEqual([3, 99, 3, 50].map((row) => from[row]));
  gatherWords(from, Int32Array.of(12, 13), 10, out, 1);
  expect([...out]).toEqual([from[3], from[2], from[3], from[50]]);
});

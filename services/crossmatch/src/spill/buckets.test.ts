import { Random } from '@armilla/base';
import { binOf, bucketsOf, countDeclinations, cutBuckets, DeclinationCounts, placesByBucket } from './buckets.js';

const REACH_DEG = 0.01;

/** Declinations with a crowd, gaps and both poles. */
function declinations(seed: number, count: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: count }, () => {
    const kind = random.below(10);
    if (kind === 0) return random.below(2) === 0 ? 90 : -90;
    if (kind < 5) return 20 + random.normal() * 0.005;
    return kind < 8 ? random.between(-60, -50) : random.between(-90, 90);
  });
}

function cut(dec: Float64Array, wanted: number, isComplete = true) {
  const counts = new DeclinationCounts();
  countDeclinations(counts.counts, dec, undefined, 1, 1);
  counts.isComplete = isComplete;
  return cutBuckets(counts, REACH_DEG, wanted);
}

test.each([1, 2, 3])('each left row finds all right rows within reach in its bucket (%d)', (seed) => {
  const right = declinations(seed, 2000);
  const left = declinations(seed + 100, 2000);
  const status = new Uint8Array(2000);
  for (const wanted of [64, 300, 5000]) {
    const buckets = bucketsOf(cut(right, wanted).intervals, REACH_DEG);
    const rightPlaces = placesByBucket(buckets, right, status, REACH_DEG);
    const members = new Map<number, Set<number>>();
    const bucketOfPlace = (place: number): number => rightPlaces.starts.findLastIndex((start) => start <= place);
    const add = (row: number, place: number): void => {
      const bucket = bucketOfPlace(place);
      if (!members.has(bucket)) members.set(bucket, new Set());
      members.get(bucket)?.add(row);
    };
    rightPlaces.place.forEach((place, row) => place >= 0 && add(row, place));
    rightPlaces.copies.row.forEach((row, c) => add(row, rightPlaces.copies.place[c]));
    let missing = 0;
    left.forEach((dec) => {
      const own = members.get(buckets.bucketOfBin[binOf(dec)]);
      right.forEach((other, row) => (missing += Math.abs(dec - other) > REACH_DEG || own?.has(row) ? 0 : 1));
    });
    expect(missing).toBe(0);
  }
});

test('places of a bucket ascend by row, and each is taken once', () => {
  const dec = declinations(5, 3000);
  const status = Uint8Array.from(dec, (_, i) => (i % 9 === 0 ? 1 : 0));
  const buckets = bucketsOf(cut(dec, 200).intervals, REACH_DEG);
  const { place, copies, starts } = placesByBucket(buckets, dec, status, REACH_DEG);
  const rows = new Int32Array(starts[starts.length - 1]).fill(-1);
  place.forEach((at, row) => {
    expect(at >= 0).toBe(status[row] === 0);
    if (at >= 0) rows[at] = row;
  });
  copies.row.forEach((row, c) => (rows[copies.place[c]] = row));
  expect(rows).not.toContain(-1);
  for (let b = 0; b + 1 < starts.length; b++) {
    const of = rows.subarray(starts[b], starts[b + 1]);
    expect([...of]).toEqual([...of].sort((x, y) => x - y));
  }
});

test('buckets hold about what is wanted, where the reach allows', () => {
  const dec = Float64Array.from({ length: 50_000 }, (_, i) => -89 + (178 * i) / 50_000);
  const { intervals, rowCounts } = cut(dec, 5000);
  expect(intervals.length).toBeGreaterThanOrEqual(10);
  expect(intervals.length).toBeLessThanOrEqual(11);
  expect(Math.max(...rowCounts)).toBeLessThanOrEqual(5000);
});

test('of a sample all of the sky belongs to a bucket', () => {
  const { intervals } = cut(declinations(7, 500), 50, false);
  expect(intervals[0].from).toBe(0);
  intervals.slice(1).forEach(({ from }, i) => expect(from).toBe(intervals[i].to));
  expect(binOf(90)).toBe(intervals[intervals.length - 1].to - 1);
});

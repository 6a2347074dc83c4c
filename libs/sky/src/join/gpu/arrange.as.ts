// From the records of a task to runs for a device: along a curve that fills the task's piece of the sky, as balls about
// their unit vectors, and the rows as f32 offsets from the centres.
import { cosDeg } from '../../separation/expression.as';
import { unitVectors2 } from '../../separation/unit-vector.as';
import { firsts, seconds } from '../kernel/bins.as';
import { CONTROL_CANCEL, RECORD_BYTES, RECORD_ROW, T_BYTES, T_FROM, T_TO } from '../kernel/layout.as';
import {
  A_BALLS, A_COUNTS, A_ENDS, A_FIRST_RECORDS, A_LONE_COUNT, A_LONE_PLACES, A_MOST, A_OFFSETS, A_ORDER, A_RANKS, A_RECORDS, A_SCRATCH, A_SCRATCH_STRIDE,
  A_SELF_FIRST, A_STRIDE, A_TASKS, BALL_BYTES, NO_PLACE, ROW_ITSELF,
} from './layout.as';

/** Bits of a digit of the sort, of three. */
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
/** Steps of the curve along an axis. */
const STEPS: f64 = 65535;
/** Distances of f64 vectors are rounded up by more than they err: 1 + 2^-48. */
const UPWARDS: f64 = 1.0000000000000035527;
/** Rows of a run at most, and two to spare. */
const RUN_ROWS: usize = 130;

// Private memory of a worker: digits, the columns of a run, then for n rows u64 entries (key << 32 | record), u64 spare
// entries, which then are u32 keys, and f64[2] positions.
const S_COUNTERS: usize = 0;
const S_X: usize = 4 * DIGITS;
const S_Y: usize = S_X + 8 * RUN_ROWS;
const S_Z: usize = S_Y + 8 * RUN_ROWS;
const S_ENTRIES: usize = S_Z + 8 * RUN_ROWS;

/** Orders the records of a task, finds their places (of one row each, or of all rows of one position), cuts and lays runs. */
export function arrange(params: usize, item: i32, control: usize, slot: i32): void {
  if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) return;
  const task: usize = usize(load<u32>(params, A_TASKS)) + usize(item) * T_BYTES;
  const from = load<i32>(task, T_FROM);
  const count = load<i32>(task, T_TO) - from;
  const records: usize = usize(load<u32>(params, A_RECORDS)) + usize(from) * RECORD_BYTES;
  const scratch: usize = usize(load<u32>(params, A_SCRATCH)) + usize(slot) * load<u32>(params, A_SCRATCH_STRIDE);
  const shares = load<u32>(params, A_ORDER) != 0;
  const entries = scratch + S_ENTRIES;
  const spare = entries + 8 * usize(count);
  writeKeys(records, entries, count);
  sort(scratch + S_COUNTERS, entries, spare, count);
  if (shares) sortEqualKeys(records, entries, count);
  const keys = spare;
  const positions = spare + 8 * usize(count);
  const placeCount = shares ? sharePlaces(params, records, entries, from, count, keys, positions) : rankPlaces(params, records, entries, from, count, keys, positions);
  const runCount = cut(params, item, scratch, from, placeCount, keys, positions);
  const counts: usize = usize(load<u32>(params, A_COUNTS)) + (usize(item) << 3);
  store<i32>(counts, runCount);
  store<i32>(counts, placeCount, 4);
}

/** Entries of the records: their place on a Morton curve through the box about them, with steps of one size on the sky. */
function writeKeys(records: usize, entries: usize, count: i32): void {
  let low = f64x2.splat(Infinity);
  let high = f64x2.splat(-Infinity);
  const end = records + usize(count) * RECORD_BYTES;
  for (let record = records; record < end; record += RECORD_BYTES) {
    const position = v128.load(record);
    low = f64x2.min(low, position);
    high = f64x2.max(high, position);
  }
  const side = f64x2.sub(high, low);
  const narrowing = cosDeg((f64x2.extract_lane(low, 1) + f64x2.extract_lane(high, 1)) * 0.5);
  const longest = max(f64x2.extract_lane(side, 0) * narrowing, f64x2.extract_lane(side, 1));
  const scale = longest > 0 ? STEPS / longest : 0;
  const scales = f64x2.replace_lane(f64x2.splat(scale), 0, scale * narrowing);
  let entry = entries;
  for (let record = records, i: u64 = 0; record < end; record += RECORD_BYTES, entry += 8, i++) {
    const steps = i32x4.trunc_sat_f64x2_u_zero(f64x2.min(f64x2.mul(f64x2.sub(v128.load(record), low), scales), f64x2.splat(STEPS)));
    // A zero before each of 16 bits, in both lanes.
    let bits = v128.or(steps, i32x4.shl(steps, 8));
    bits = v128.and(bits, i32x4.splat(0x00ff00ff));
    bits = v128.and(v128.or(bits, i32x4.shl(bits, 4)), i32x4.splat(0x0f0f0f0f));
    bits = v128.and(v128.or(bits, i32x4.shl(bits, 2)), i32x4.splat(0x33333333));
    bits = v128.and(v128.or(bits, i32x4.shl(bits, 1)), i32x4.splat(0x55555555));
    const key = u32(i32x4.extract_lane(bits, 0)) | (u32(i32x4.extract_lane(bits, 1)) << 1);
    store<u64>(entry, (u64(key) << 32) | i);
  }
}

/** By key; entries of one key stay in their order. */
function sort(counters: usize, entries: usize, spare: usize, count: i32): void {
  let a = entries;
  let b = spare;
  for (let shift: u64 = 32; shift < 64; shift += DIGIT_BITS) {
    if (!sortByDigit(counters, a, b, count, shift)) continue;
    const swap = a;
    a = b;
    b = swap;
  }
  if (a != entries) memory.copy(entries, a, usize(count) << 3);
}

/** From `a` to `b`; false and nothing done where all digits are equal. */
function sortByDigit(counters: usize, a: usize, b: usize, count: i32, shift: u64): bool {
  const end = a + (usize(count) << 3);
  const mask = u64(DIGITS - 1);
  memory.fill(counters, 0, DIGITS << 2);
  for (let entry = a; entry < end; entry += 8) {
    const counter = counters + (usize((load<u64>(entry) >> shift) & mask) << 2);
    store<i32>(counter, load<i32>(counter) + 1);
  }
  if (count == 0 || load<i32>(counters + (usize((load<u64>(a) >> shift) & mask) << 2)) == count) return false;
  let sum: i32 = 0;
  for (let counter = counters, last = counters + (DIGITS << 2); counter < last; counter += 4) {
    const size = load<i32>(counter);
    store<i32>(counter, sum);
    sum += size;
  }
  for (let entry = a; entry < end; entry += 8) {
    const value = load<u64>(entry);
    const counter = counters + (usize((value >> shift) & mask) << 2);
    const place = load<i32>(counter);
    store<i32>(counter, place + 1);
    store<u64>(b + (usize(place) << 3), value);
  }
  return true;
}

// @ts-ignore: decorator
@inline
function recordOf(records: usize, entry: u64): usize {
  return records + usize(u32(entry)) * RECORD_BYTES;
}

// @ts-ignore: decorator
@inline
function keyAt(entries: usize, i: i32): u32 {
  return load<u32>(entries + (usize(i) << 3), 4);
}

/** Whether one record goes before another of the same key: by position, then row. */
function isBefore(a: usize, b: usize): bool {
  const raA = load<f64>(a);
  const raB = load<f64>(b);
  if (raA != raB) return raA < raB;
  const decA = load<f64>(a, 8);
  const decB = load<f64>(b, 8);
  return decA == decB ? load<i32>(a, RECORD_ROW) < load<i32>(b, RECORD_ROW) : decA < decB;
}

/** Puts records of equal keys in order, so that those of one position become neighbours, by their row. */
function sortEqualKeys(records: usize, entries: usize, count: i32): void {
  for (let from = 0; from < count; ) {
    const key = keyAt(entries, from);
    let to = from + 1;
    let isSorted = true;
    for (; to < count && keyAt(entries, to) == key; to++) {
      const at = entries + (usize(to) << 3);
      isSorted = isSorted && isBefore(recordOf(records, load<u64>(at - 8)), recordOf(records, load<u64>(at)));
    }
    if (!isSorted) heapSort(records, entries + (usize(from) << 3), to - from);
    from = to;
  }
}

/** No memory, no bad case. */
function heapSort(records: usize, entries: usize, size: i32): void {
  for (let i = (size >> 1) - 1; i >= 0; i--) siftDown(records, entries, i, size, load<u64>(entries + (usize(i) << 3)));
  for (let last = size - 1; last > 0; last--) {
    const entry = load<u64>(entries + (usize(last) << 3));
    store<u64>(entries + (usize(last) << 3), load<u64>(entries));
    siftDown(records, entries, 0, last, entry);
  }
}

function siftDown(records: usize, entries: usize, start: i32, size: i32, entry: u64): void {
  let place = start;
  for (let down = 2 * place + 1; down < size; down = 2 * place + 1) {
    let next = load<u64>(entries + (usize(down) << 3));
    if (down + 1 < size) {
      const other = load<u64>(entries + (usize(down + 1) << 3));
      if (isBefore(recordOf(records, next), recordOf(records, other))) {
        down++;
        next = other;
      }
    }
    if (!isBefore(recordOf(records, entry), recordOf(records, next))) break;
    store<u64>(entries + (usize(place) << 3), next);
    place = down;
  }
  store<u64>(entries + (usize(place) << 3), entry);
}

/** Right rows: those of one position share a place. Gives the number of places; their keys and positions are written. */
function sharePlaces(params: usize, records: usize, entries: usize, from: i32, count: i32, keys: usize, positions: usize): i32 {
  const order: usize = usize(load<u32>(params, A_ORDER)) + (usize(from) << 2);
  const firstRecords: usize = usize(load<u32>(params, A_FIRST_RECORDS)) + (usize(from) << 2);
  let places: i32 = 0;
  let raBefore: f64 = NaN;
  let decBefore: f64 = NaN;
  for (let i = 0; i < count; i++) {
    const entry = load<u64>(entries + (usize(i) << 3));
    const record = recordOf(records, entry);
    store<i32>(order + (usize(i) << 2), from + i32(entry));
    const ra = load<f64>(record);
    const dec = load<f64>(record, 8);
    if (ra == raBefore && dec == decBefore) continue;
    raBefore = ra;
    decBefore = dec;
    store<i32>(firstRecords + (usize(places) << 2), from + i);
    store<u32>(keys + (usize(places) << 2), u32(entry >> 32));
    v128.store(positions + (usize(places) << 4), v128.load(record));
    places++;
  }
  return places;
}

/** Left rows: each has its place. The place that a row is on the right side is noted beside its offset. */
function rankPlaces(params: usize, records: usize, entries: usize, from: i32, count: i32, keys: usize, positions: usize): i32 {
  const ranks: usize = usize(load<u32>(params, A_RANKS)) + (usize(from) << 2);
  const lonePlaces: usize = load<u32>(params, A_LONE_PLACES);
  const loneCount = load<u32>(params, A_LONE_COUNT);
  const selfFirst = load<i32>(params, A_SELF_FIRST);
  const stride: usize = load<u32>(params, A_STRIDE);
  let itself: usize = usize(load<u32>(params, A_OFFSETS)) + usize(from) * stride + ROW_ITSELF;
  for (let i = 0; i < count; i++, itself += stride) {
    const entry = load<u64>(entries + (usize(i) << 3));
    const record = recordOf(records, entry);
    store<i32>(ranks + (usize(u32(entry)) << 2), from + i);
    v128.store(positions + (usize(i) << 4), v128.load(record));
    const own = u32(selfFirst + load<i32>(record, RECORD_ROW));
    store<u32>(itself, own < loneCount ? load<u32>(lonePlaces + (usize(own) << 2)) : NO_PLACE);
    store<u32>(keys + (usize(i) << 2), u32(entry >> 32));
  }
  return count;
}

/**
 * Cuts the places into runs of half to all of A_MOST (the last may have fewer), each to the border of the largest square of the
 * curve that it can end at, so that runs are compact; lays them. Gives their number.
 */
function cut(params: usize, item: i32, scratch: usize, first: i32, count: i32, keys: usize, positions: usize): i32 {
  const most = load<i32>(params, A_MOST);
  const least = (most + 1) >> 1;
  const firstRun = usize(first / least + item);
  const ends: usize = usize(load<u32>(params, A_ENDS)) + (firstRun << 2);
  const balls: usize = usize(load<u32>(params, A_BALLS)) + firstRun * BALL_BYTES;
  const stride: usize = load<u32>(params, A_STRIDE);
  const offsets: usize = usize(load<u32>(params, A_OFFSETS)) + usize(first) * stride;
  let runs: usize = 0;
  for (let from = 0; from < count; runs++) {
    let end = min(count, from + most);
    let largest: i32 = -1;
    if (end < count) {
      for (let at = from + least, last = from + most; at <= last; at++) {
        const key = keys + (usize(at) << 2);
        const size = 32 - i32(clz<u32>(load<u32>(key - 4) ^ load<u32>(key)));
        if (size > largest) {
          largest = size;
          end = at;
        }
      }
    }
    lay(scratch, positions + (usize(from) << 4), end - from, balls + runs * BALL_BYTES, offsets + usize(from) * stride, stride);
    store<i32>(ends + (runs << 2), first + end);
    from = end;
  }
  return i32(runs);
}

/** The ball of a run about the middle of the box of its vectors, and their offsets from there. */
function lay(scratch: usize, positions: usize, count: i32, ball: usize, offsets: usize, stride: usize): void {
  const n = usize(count);
  let lowX = f64x2.splat(Infinity);
  let lowY = lowX;
  let lowZ = lowX;
  let highX = f64x2.splat(-Infinity);
  let highY = highX;
  let highZ = highX;
  for (let i: usize = 0; i < n; i += 2) {
    const a = v128.load(positions + (i << 4));
    const b = i + 1 < n ? v128.load(positions + (i << 4), 16) : a;
    const at = scratch + (i << 3);
    unitVectors2(firsts(a, b), seconds(a, b), at + S_X, at + S_Y, at + S_Z);
    const x = v128.load(at, S_X);
    const y = v128.load(at, S_Y);
    const z = v128.load(at, S_Z);
    lowX = f64x2.min(lowX, x);
    lowY = f64x2.min(lowY, y);
    lowZ = f64x2.min(lowZ, z);
    highX = f64x2.max(highX, x);
    highY = f64x2.max(highY, y);
    highZ = f64x2.max(highZ, z);
  }
  const x = middle(lowX, highX);
  const y = middle(lowY, highY);
  const z = middle(lowZ, highZ);
  let farthest: f64 = 0;
  for (let i: usize = 0, to = offsets; i < n; i++, to += stride) {
    const at = scratch + (i << 3);
    const dx = load<f64>(at, S_X) - x;
    const dy = load<f64>(at, S_Y) - y;
    const dz = load<f64>(at, S_Z) - z;
    farthest = max(farthest, dx * dx + dy * dy + dz * dz);
    store<f32>(to, f32(dx));
    store<f32>(to, f32(dy), 4);
    store<f32>(to, f32(dz), 8);
  }
  store<f64>(ball, x);
  store<f64>(ball, y, 8);
  store<f64>(ball, z, 16);
  store<f64>(ball, sqrt<f64>(farthest) * UPWARDS, 24);
}

// @ts-ignore: decorator
@inline
function middle(low: v128, high: v128): f64 {
  return (min(f64x2.extract_lane(low, 0), f64x2.extract_lane(low, 1)) + max(f64x2.extract_lane(high, 0), f64x2.extract_lane(high, 1))) / 2;
}

/**
 * The order of [n] keys from the smallest, equal ones as they stand: radix sort by 16 bits at a time, as the bits of doubles
 * from 0 upwards grow with them. Keys are not negative and not NaN.
 */
export function nearestFirst(keys: Float64Array): Int32Array {
  const n = keys.length;
  let order = Int32Array.from({ length: n }, (_, i) => i);
  if (isAscending(keys)) return order;
  const words = new Uint16Array(keys.slice().buffer);
  let next = new Int32Array(n);
  const starts = new Uint32Array(0x10000);
  for (let word = 0; word < 4; word++) {
    starts.fill(0);
    for (let i = word; i < words.length; i += 4) starts[words[i]]++;
    let sum = 0;
    for (let digit = 0; digit < starts.length; digit++) {
      const count = starts[digit];
      starts[digit] = sum;
      sum += count;
    }
    for (let at = 0; at < n; at++) next[starts[words[order[at] * 4 + word]]++] = order[at];
    [order, next] = [next, order];
  }
  return order;
}

function isAscending(keys: Float64Array): boolean {
  for (let i = 1; i < keys.length; i++) if (keys[i] < keys[i - 1]) return false;
  return true;
}

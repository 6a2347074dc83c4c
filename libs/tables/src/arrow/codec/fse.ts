/** A decoding table of finite state entropy coding (RFC 8878, 4.1): for each state its symbol and the way to the next. */
export interface FseTable {
  readonly log: number;
  /** [1 << log] symbol | bits to read << 8 | base of the next state << 16. */
  readonly steps: Uint32Array;
}

/** Table of a given distribution; a count of -1 means "less than one". */
export function buildFse(counts: ArrayLike<number>, log: number): FseTable {
  const size = 1 << log;
  const symbols = new Uint8Array(size);
  const steps = new Uint32Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let s = 0; s < counts.length; s++) {
    if (counts[s] !== -1) continue;
    symbols[--high] = s;
    next[s] = 1;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  const mask = size - 1;
  let position = 0;
  for (let s = 0; s < counts.length; s++) {
    if (counts[s] <= 0) continue;
    next[s] = counts[s];
    for (let i = 0; i < counts[s]; i++) {
      symbols[position] = s;
      do position = (position + step) & mask;
      while (position >= high);
    }
  }
  if (position !== 0) throw new RangeError('zstd: a distribution that does not fill its table');
  for (let state = 0; state < size; state++) {
    const value = next[symbols[state]]++;
    const bits = log - (31 - Math.clz32(value));
    steps[state] = symbols[state] | (bits << 8) | (((value << bits) - size) << 16);
  }
  return { log, steps };
}

/** A table with one symbol, which takes no bits. */
export function singleFse(symbol: number): FseTable {
  return { log: 0, steps: Uint32Array.of(symbol) };
}

/** Reads a distribution at `start` (RFC 8878, 4.1.1) and builds its table; `next` is the position behind it. */
export function readFse(
  data: Uint8Array,
  start: number,
  end: number,
  symbolLimit: number,
  logLimit: number,
): { table: FseTable; next: number } {
  let bit = start * 8;
  const endBit = end * 8;
  const peek = (count: number): number => {
    const at = bit >>> 3;
    const word = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16);
    return (word >>> (bit & 7)) & ((1 << count) - 1);
  };
  if (start >= end) throw new RangeError('zstd: a distribution is missing');
  const log = peek(4) + 5;
  bit += 4;
  if (log > logLimit) throw new RangeError(`zstd: accuracy log ${log}, over ${logLimit}`);
  const counts: number[] = [];
  let remaining = 1 << log;
  while (remaining > 0) {
    if (counts.length > symbolLimit || bit > endBit) throw new RangeError('zstd: a broken distribution');
    const max = remaining + 1;
    const bits = 32 - Math.clz32(max);
    const lowMask = (1 << (bits - 1)) - 1;
    const spare = (1 << bits) - 1 - max;
    let value = peek(bits);
    if ((value & lowMask) < spare) {
      value &= lowMask;
      bit += bits - 1;
    } else {
      if (value > lowMask) value -= spare;
      bit += bits;
    }
    const count = value - 1;
    remaining -= Math.abs(count);
    counts.push(count);
    if (count !== 0) continue;
    for (let repeat = 3; repeat === 3;) {
      repeat = peek(2);
      bit += 2;
      for (let i = 0; i < repeat; i++) counts.push(0);
      if (counts.length > symbolLimit + 1) throw new RangeError('zstd: a broken distribution');
    }
  }
  if (remaining < 0 || counts.length > symbolLimit + 1 || bit > endBit)
    throw new RangeError('zstd: a broken distribution');
  return { table: buildFse(counts, log), next: (bit + 7) >>> 3 };
}

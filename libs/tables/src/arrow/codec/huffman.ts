import { readFse } from './fse.js';
import { ReverseBits } from './reverseBits.js';

const MAX_BITS = 11;

/** Huffman decoding table: `entries[next maxBits bits]` is symbol << 8 | bits that it takes. */
export interface HuffmanTable {
  readonly maxBits: number;
  readonly entries: Uint16Array;
}

/** Reads a Huffman tree description (RFC 8878, 4.2.1). */
export function readHuffman(data: Uint8Array, start: number, end: number): { table: HuffmanTable; next: number } {
  if (start >= end) throw new RangeError('zstd: a Huffman table is missing');
  const head = data[start];
  const weights: number[] = [];
  let next = start + 1;
  if (head >= 128) {
    const count = head - 127;
    next += (count + 1) >> 1;
    if (next > end) throw new RangeError('zstd: a Huffman table is cut short');
    for (let i = 0; i < count; i++) {
      const byte = data[start + 1 + (i >> 1)];
      weights.push(i % 2 === 0 ? byte >> 4 : byte & 15);
    }
  } else {
    next += head;
    if (next > end) throw new RangeError('zstd: a Huffman table is cut short');
    readCodedWeights(data, start + 1, next, weights);
  }
  return { table: buildHuffman(weights), next };
}

function readCodedWeights(data: Uint8Array, start: number, end: number, weights: number[]): void {
  const { table, next } = readFse(data, start, end, 255, 6);
  const bits = new ReverseBits(data, next, end);
  const states = [bits.read(table.log), bits.read(table.log)];
  if (bits.left < 0) throw new RangeError('zstd: Huffman weights are cut short');
  // Two states take turns; when the bits of one run out, the other still holds a last symbol.
  for (let turn = 0; ; turn ^= 1) {
    const step = table.steps[states[turn]];
    weights.push(step & 255);
    if (weights.length > 255) throw new RangeError('zstd: more than 255 Huffman weights');
    const count = (step >>> 8) & 255;
    if (bits.left < count) {
      weights.push(table.steps[states[turn ^ 1]] & 255);
      return;
    }
    states[turn] = (step >>> 16) + bits.read(count);
  }
}

function buildHuffman(weights: number[]): HuffmanTable {
  if (weights.length > 255) throw new RangeError('zstd: more than 255 Huffman weights');
  let sum = 0;
  for (const weight of weights) {
    if (weight > MAX_BITS) throw new RangeError(`zstd: Huffman weight ${weight}`);
    if (weight > 0) sum += 1 << (weight - 1);
  }
  if (sum === 0) throw new RangeError('zstd: an empty Huffman table');
  const maxBits = 32 - Math.clz32(sum);
  if (maxBits > MAX_BITS) throw new RangeError(`zstd: Huffman codes of ${maxBits} bits`);
  const rest = (1 << maxBits) - sum;
  if ((rest & (rest - 1)) !== 0) throw new RangeError('zstd: a Huffman table that is not complete');
  weights.push(32 - Math.clz32(rest));
  const entries = new Uint16Array(1 << maxBits);
  let at = 0;
  for (let weight = 1; weight <= maxBits; weight++) {
    const width = 1 << (weight - 1);
    for (let symbol = 0; symbol < weights.length; symbol++) {
      if (weights[symbol] !== weight) continue;
      entries.fill((symbol << 8) | (maxBits + 1 - weight), at, at + width);
      at += width;
    }
  }
  if (at !== entries.length) throw new RangeError('zstd: a Huffman table that is not complete');
  return { maxBits, entries };
}

/** Decodes one stream, data[start, end), into out[to, toEnd). `data` has 4 readable bytes behind its end. */
export function decodeHuffman(
  table: HuffmanTable,
  data: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  toEnd: number,
): void {
  const { maxBits, entries } = table;
  const mask = (1 << maxBits) - 1;
  const floor = start * 8;
  let bit = new ReverseBits(data, start, end).position;
  const view = new DataView(data.buffer, data.byteOffset);
  // As long as `bit` is maxBits above `floor` all bits that are looked at are the stream's own; two codes at a time.
  while (to + 1 < toEnd && bit - 2 * maxBits >= floor) {
    let from = bit - maxBits;
    const first = entries[(view.getUint32(from >>> 3, true) >>> (from & 7)) & mask];
    from -= first & 255;
    const second = entries[(view.getUint32(from >>> 3, true) >>> (from & 7)) & mask];
    out[to] = first >>> 8;
    out[to + 1] = second >>> 8;
    to += 2;
    bit = from + maxBits - (second & 255);
  }
  for (; to < toEnd; to++) {
    const have = bit - floor;
    if (have < 0) throw new RangeError('zstd: literals are cut short');
    const word = view.getUint32(floor >>> 3, true);
    const shift = maxBits - have;
    const code = shift > 0 ? ((word & ((1 << have) - 1)) << shift) & mask : (word >>> -shift) & mask;
    const entry = entries[code];
    out[to] = entry >>> 8;
    bit -= entry & 255;
  }
  if (bit !== floor) throw new RangeError('zstd: literals do not end with their stream');
}

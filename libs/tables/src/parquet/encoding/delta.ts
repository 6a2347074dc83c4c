import { ParquetFault } from '../format/fault.js';

/** Header and position of one DELTA_BINARY_PACKED sequence. */
interface DeltaHeader {
  at: number;
  readonly blockSize: number;
  readonly miniBlockCount: number;
  readonly valueCount: number;
  readonly first: bigint;
}

const MAX_BLOCK = 1 << 20;

/** Decodes at most `limit` 64-bit values into out[from, from + n); returns n and the offset behind the sequence. */
export function decodeDelta64(
  bytes: Uint8Array,
  start: number,
  out: BigInt64Array,
  from: number,
  limit: number,
): { count: number; at: number } {
  const header = readHeader(bytes, start, limit);
  const { blockSize, miniBlockCount, valueCount } = header;
  if (valueCount === 0) return { count: 0, at: header.at };
  const perMini = blockSize / miniBlockCount;
  let last = BigInt.asIntN(64, header.first);
  let at = header.at;
  out[from] = last;
  let done = 1;
  const mini = new BigUint64Array(perMini);
  while (done < valueCount) {
    const least = readZigzag(bytes, at);
    const widths = least.at;
    at = widths + miniBlockCount;
    if (at > bytes.length) throw new ParquetFault('delta encoded values end early');
    for (let m = 0; m < miniBlockCount && done < valueCount; m++) {
      const width = bytes[widths + m];
      if (width > 64) throw new ParquetFault(`delta encoded values of ${width} bits`);
      const length = (width * perMini) / 8;
      if (length > bytes.length - at) throw new ParquetFault('delta encoded values end early');
      const count = Math.min(perMini, valueCount - done);
      unpack64(bytes, at, width, mini, count);
      for (let i = 0; i < count; i++) {
        last = BigInt.asIntN(64, last + least.value + mini[i]);
        out[from + done++] = last;
      }
      at += length;
    }
  }
  return { count: valueCount, at };
}

/** The same for 32-bit values, without big integers. */
export function decodeDelta32(
  bytes: Uint8Array,
  start: number,
  out: Int32Array,
  from: number,
  limit: number,
): { count: number; at: number } {
  const header = readHeader(bytes, start, limit);
  const { blockSize, miniBlockCount, valueCount } = header;
  if (valueCount === 0) return { count: 0, at: header.at };
  const perMini = blockSize / miniBlockCount;
  let last = Number(BigInt.asIntN(32, header.first));
  let at = header.at;
  out[from] = last;
  let done = 1;
  while (done < valueCount) {
    const least = readZigzag(bytes, at);
    const base = Number(BigInt.asIntN(32, least.value));
    const widths = least.at;
    at = widths + miniBlockCount;
    if (at > bytes.length) throw new ParquetFault('delta encoded values end early');
    for (let m = 0; m < miniBlockCount && done < valueCount; m++) {
      const width = bytes[widths + m];
      // Differences of 32-bit values may take 33 bits; only the low 32 count.
      if (width > 64) throw new ParquetFault(`delta encoded values of ${width} bits`);
      const length = (width * perMini) / 8;
      if (length > bytes.length - at) throw new ParquetFault('delta encoded values end early');
      const count = Math.min(perMini, valueCount - done);
      for (let i = 0; i < count; i++) {
        last = (last + base + low32(bytes, at, i * width, width)) | 0;
        out[from + done++] = last;
      }
      at += length;
    }
  }
  return { count: valueCount, at };
}

function readHeader(bytes: Uint8Array, start: number, limit: number): DeltaHeader {
  const blockSize = readVarint(bytes, start);
  const miniBlockCount = readVarint(bytes, blockSize.at);
  const valueCount = readVarint(bytes, miniBlockCount.at);
  const first = readZigzag(bytes, valueCount.at);
  const size = Number(blockSize.value);
  const minis = Number(miniBlockCount.value);
  if (!(size > 0 && size <= MAX_BLOCK && minis > 0 && minis <= size && (size / minis) % 8 === 0)) {
    throw new ParquetFault(`delta blocks of ${size} values in ${minis} parts`);
  }
  if (valueCount.value > BigInt(limit))
    throw new ParquetFault(`${valueCount.value} delta encoded values where ${limit} belong`);
  return {
    at: first.at,
    blockSize: size,
    miniBlockCount: minis,
    valueCount: Number(valueCount.value),
    first: first.value,
  };
}

function readVarint(bytes: Uint8Array, at: number): { value: bigint; at: number } {
  let low = 0;
  let scale = 1;
  // Up to 49 bits without big integers: nearly every number.
  for (let i = 0; i < 7; i++) {
    if (at >= bytes.length) throw new ParquetFault('delta encoded values end early');
    const byte = bytes[at++];
    low += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value: BigInt(low), at };
    scale *= 128;
  }
  let value = BigInt(low);
  for (let i = 7n; i < 10n; i++) {
    if (at >= bytes.length) throw new ParquetFault('delta encoded values end early');
    const byte = bytes[at++];
    value |= BigInt(byte & 0x7f) << (7n * i);
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), at };
  }
  throw new ParquetFault('a delta encoded number is longer than 10 bytes');
}

function readZigzag(bytes: Uint8Array, at: number): { value: bigint; at: number } {
  const raw = readVarint(bytes, at);
  return { value: (raw.value >> 1n) ^ -(raw.value & 1n), at: raw.at };
}

/** The low 32 bits of the value of `width` bits that starts `bit` bits behind bytes[at]. */
function low32(bytes: Uint8Array, at: number, bit: number, width: number): number {
  let value = 0;
  const wanted = Math.min(width, 32);
  for (let got = 0; got < wanted;) {
    const within = (bit + got) & 7;
    value |= (bytes[at + ((bit + got) >>> 3)] >>> within) << got;
    got += 8 - within;
  }
  return wanted === 32 ? value : value & ((1 << wanted) - 1);
}

function unpack64(bytes: Uint8Array, at: number, width: number, out: BigUint64Array, count: number): void {
  const words = new Uint32Array(out.buffer);
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    words[2 * i] = low32(bytes, at, bit, width);
    words[2 * i + 1] = width > 32 ? low32(bytes, at, bit + 32, width - 32) : 0;
  }
}

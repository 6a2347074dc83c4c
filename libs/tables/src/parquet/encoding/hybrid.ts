import { ParquetFault } from '../format/fault.js';

/**
 * Decodes `count` values of `bitWidth` bits from the RLE / bit-packed hybrid in bytes[at, end) into out[0, count).
 * Returns the offset behind the last run read. Values beyond `end` are refused.
 */
export function decodeHybrid(
  bytes: Uint8Array,
  at: number,
  end: number,
  bitWidth: number,
  out: Int32Array,
  count: number,
): number {
  if (bitWidth > 32) throw new ParquetFault(`values of ${bitWidth} bits`);
  if (bitWidth === 0) {
    out.fill(0, 0, count);
    return at;
  }
  const valueBytes = (bitWidth + 7) >> 3;
  let done = 0;
  while (done < count) {
    let head = 0;
    let shift = 0;
    for (;;) {
      if (at >= end) throw new ParquetFault(`encoded values end after ${done} of ${count}`);
      const byte = bytes[at++];
      head |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
      if (shift > 28) throw new ParquetFault('a run length is longer than 5 bytes');
    }
    head >>>= 0;
    if ((head & 1) === 0) {
      if (end - at < valueBytes) throw new ParquetFault(`encoded values end after ${done} of ${count}`);
      let value = 0;
      for (let i = 0; i < valueBytes; i++) value |= bytes[at++] << (8 * i);
      const run = Math.min(head >>> 1, count - done);
      if (run === 0) throw new ParquetFault('a run of no values');
      out.fill(value, done, done + run);
      done += run;
    } else {
      const groupBytes = (head >>> 1) * bitWidth;
      if (groupBytes === 0) throw new ParquetFault('a run of no values');
      // The last run of a page may be cut short behind the values that are needed.
      const run = Math.min((head >>> 1) * 8, count - done);
      if (Math.ceil((run * bitWidth) / 8) > end - at)
        throw new ParquetFault(`encoded values end after ${done} of ${count}`);
      unpack(bytes, at, bitWidth, out, done, run);
      at = Math.min(at + groupBytes, end);
      done += run;
    }
  }
  return at;
}

/** Unpacks `count` little-endian values of `bitWidth` <= 32 bits that start at the first bit of bytes[at]. */
export function unpack(
  bytes: Uint8Array,
  at: number,
  bitWidth: number,
  out: Int32Array,
  from: number,
  count: number,
): void {
  const mask = bitWidth === 32 ? -1 : (1 << bitWidth) - 1;
  const end = from + count;
  if (bitWidth === 8) {
    for (let i = from; i < end; i++) out[i] = bytes[at++];
    return;
  }
  let i = from;
  if (bitWidth <= 25) {
    // Four whole bytes hold any value of up to 25 bits; the last few are read with care for the end of the buffer.
    const safe = Math.min(end, from + Math.max(0, Math.floor(((bytes.length - at - 4) * 8) / bitWidth)));
    let bit = 0;
    for (; i < safe; i++) {
      const p = at + (bit >>> 3);
      out[i] = ((bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24)) >>> (bit & 7)) & mask;
      bit += bitWidth;
    }
  }
  let bit = (i - from) * bitWidth;
  for (; i < end; i++) {
    let value = 0;
    for (let got = 0; got < bitWidth;) {
      const within = (bit + got) & 7;
      const byte = bytes[at + ((bit + got) >>> 3)] >>> within;
      value |= byte << got;
      got += 8 - within;
    }
    out[i] = value & mask;
    bit += bitWidth;
  }
}

/**
 * Decodes definition levels of one bit into `valid` (1 = value, 0 = null) from `from` on; returns how many are 1.
 * `valid` may be undefined at first: then -1 comes back when there is a null, and nothing else was done.
 */
export function decodeValidity(
  bytes: Uint8Array,
  at: number,
  end: number,
  valid: Uint8Array | undefined,
  from: number,
  count: number,
): number {
  let done = 0;
  let validCount = 0;
  while (done < count) {
    let head = 0;
    let shift = 0;
    for (;;) {
      if (at >= end) throw new ParquetFault(`definition levels end after ${done} of ${count}`);
      const byte = bytes[at++];
      head |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
      if (shift > 28) throw new ParquetFault('a run length is longer than 5 bytes');
    }
    head >>>= 0;
    if (head < 2) throw new ParquetFault('a run of no definition levels');
    if ((head & 1) === 0) {
      if (at >= end) throw new ParquetFault(`definition levels end after ${done} of ${count}`);
      const value = bytes[at++];
      if (value > 1) throw new ParquetFault(`a definition level is ${value}, over the limit of 1`);
      const run = Math.min(head >>> 1, count - done);
      if (valid) valid.fill(value, from + done, from + done + run);
      else if (value === 0) return -1;
      if (value === 1) validCount += run;
      done += run;
    } else {
      const run = Math.min((head >>> 1) * 8, count - done);
      if (Math.ceil(run / 8) > end - at) throw new ParquetFault(`definition levels end after ${done} of ${count}`);
      if (!valid) {
        for (let i = 0; i < run; i++) if (((bytes[at + (i >>> 3)] >>> (i & 7)) & 1) === 0) return -1;
        validCount += run;
      } else {
        for (let i = 0, p = from + done; i < run; i++, p++) {
          const value = (bytes[at + (i >>> 3)] >>> (i & 7)) & 1;
          valid[p] = value;
          validCount += value;
        }
      }
      at = Math.min(at + (head >>> 1), end);
      done += run;
    }
  }
  return validCount;
}

const MAGIC = 0x184d2204;
const SKIPPABLE = 0x184d2a50;
const MIN_MATCH = 4;

/**
 * Decodes LZ4 frames (LZ4 Frame Format 1.6.x; block format of the same project). Checksums are skipped: what the bytes mean is
 * validated by the caller.
 * @throws RangeError when the data is damaged or does not give exactly `length` bytes.
 */
export function decompressLz4Frame(data: Uint8Array, length: number): Uint8Array {
  // No byte of a block gives more than 255.
  if (length > 255 * data.byteLength) throw new RangeError(`${data.byteLength} bytes cannot give ${length}`);
  const out = new Uint8Array(length);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const end = data.byteLength;
  let at = 0;
  let done = 0;
  while (at < end) {
    need(at, 4, end);
    const magic = view.getUint32(at, true);
    if ((magic & ~15) >>> 0 === SKIPPABLE) {
      need(at, 8, end);
      at += 8 + view.getUint32(at + 4, true);
      continue;
    }
    if (magic !== MAGIC) throw new RangeError('no LZ4 frame');
    need(at, 7, end);
    const flags = data[at + 4];
    if (flags >>> 6 !== 1) throw new RangeError(`LZ4 frame version ${flags >>> 6}`);
    const blocksHaveChecksums = (flags & 16) !== 0;
    const hasContentSize = (flags & 8) !== 0;
    const hasContentChecksum = (flags & 4) !== 0;
    if ((flags & 1) !== 0) throw new RangeError('LZ4 frame with a preset dictionary');
    at += 7 + (hasContentSize ? 8 : 0);
    const frameStart = done;
    for (;;) {
      need(at, 4, end);
      const word = view.getUint32(at, true);
      at += 4;
      if (word === 0) break;
      const size = word & 0x7fffffff;
      need(at, size, end);
      if (word >>> 31 === 1) {
        if (done + size > length) throw new RangeError(`more than the declared ${length} bytes`);
        out.set(data.subarray(at, at + size), done);
        done += size;
      } else {
        done = decompressBlock(data, at, at + size, out, done, frameStart);
      }
      at += size + (blocksHaveChecksums ? 4 : 0);
    }
    if (hasContentChecksum) at += 4;
  }
  if (done !== length) throw new RangeError(`${done} bytes instead of the declared ${length}`);
  return out;
}

function need(at: number, bytes: number, end: number): void {
  if (at + bytes > end) throw new RangeError('LZ4 frame is cut short');
}

/** Decodes one block into `out` from `to` on; returns the position behind the last byte. Matches reach back to `window`. */
function decompressBlock(
  data: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  to: number,
  window: number,
): number {
  const limit = out.byteLength;
  let at = start;
  for (;;) {
    if (at >= end) throw new RangeError('LZ4 block is cut short');
    const token = data[at++];
    let literals = token >>> 4;
    if (literals === 15) {
      for (let more = 255; more === 255;) {
        if (at >= end) throw new RangeError('LZ4 block is cut short');
        more = data[at++];
        literals += more;
      }
    }
    if (at + literals > end) throw new RangeError('LZ4 literals reach beyond their block');
    if (to + literals > limit) throw new RangeError(`more than the declared ${limit} bytes`);
    if (literals > 32) {
      out.set(data.subarray(at, at + literals), to);
    } else {
      for (let i = 0; i < literals; i++) out[to + i] = data[at + i];
    }
    at += literals;
    to += literals;
    if (at === end) return to;
    if (at + 2 > end) throw new RangeError('LZ4 block is cut short');
    const offset = data[at] | (data[at + 1] << 8);
    at += 2;
    const from = to - offset;
    if (offset === 0 || from < window) throw new RangeError('LZ4 match reaches before the start');
    let match = (token & 15) + MIN_MATCH;
    if ((token & 15) === 15) {
      for (let more = 255; more === 255;) {
        if (at >= end) throw new RangeError('LZ4 block is cut short');
        more = data[at++];
        match += more;
      }
    }
    if (to + match > limit) throw new RangeError(`more than the declared ${limit} bytes`);
    if (offset >= match && match > 32) {
      out.copyWithin(to, from, from + match);
    } else {
      for (let i = 0; i < match; i++) out[to + i] = out[from + i];
    }
    to += match;
  }
}

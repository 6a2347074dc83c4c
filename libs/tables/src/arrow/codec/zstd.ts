import * as zlib from 'node:zlib';
import { type FseTable, readFse, singleFse } from './fse.js';
import { decodeHuffman, type HuffmanTable, readHuffman } from './huffman.js';
import { ReverseBits } from './reverseBits.js';
import {
  type CodeKind,
  LITERAL_BASES,
  LITERAL_BITS,
  LITERAL_LENGTHS,
  MATCH_BASES,
  MATCH_BITS,
  MATCH_LENGTHS,
  OFFSETS,
} from './zstdCodes.js';

/** Newer versions of Node.js have their own decoder, which is faster. */
const native = zlib as { zstdDecompressSync?: (data: Uint8Array, options: { maxOutputLength: number }) => Uint8Array };

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const BLOCK_LIMIT = 128 * 1024;
/** Bytes that may be looked at behind the end of the data, and before its start by a stream that is too short. */
const SLACK = 8;
const HEADROOM = 64;

/**
 * Decodes Zstandard frames (RFC 8878) without dictionary.
 * @throws RangeError when the data is damaged or does not give exactly `length` bytes.
 */
export function decompressZstd(data: Uint8Array, length: number): Uint8Array {
  // The smallest block gives BLOCK_LIMIT bytes for 4.
  if (length > (data.byteLength / 4 + 1) * BLOCK_LIMIT)
    throw new RangeError(`${data.byteLength} bytes cannot give ${length}`);
  if (!native.zstdDecompressSync) return decodeZstd(data, length);
  const out = native.zstdDecompressSync(data, { maxOutputLength: Math.max(1, length) });
  // It stops behind the first frame.
  if (out.byteLength !== length) return decodeZstd(data, length);
  // Memory of its own, which is aligned.
  return new Uint8Array(out);
}

/** The same in TypeScript. Checksums are skipped: what the bytes mean is validated by the caller. */
export function decodeZstd(data: Uint8Array, length: number): Uint8Array {
  const padded = new Uint8Array(HEADROOM + data.byteLength + SLACK);
  padded.set(data, HEADROOM);
  return new ZstdDecoder(padded, HEADROOM + data.byteLength, new Uint8Array(length)).run();
}

class ZstdDecoder {
  readonly view: DataView;
  readonly #literals = new Uint8Array(BLOCK_LIMIT);
  #at = HEADROOM;
  #done = 0;
  #frameStart = 0;
  #huffman: HuffmanTable | undefined;
  #tables: (FseTable | undefined)[] = [];
  #recent = Int32Array.of(1, 4, 8);

  constructor(
    readonly data: Uint8Array,
    readonly end: number,
    readonly out: Uint8Array,
  ) {
    this.view = new DataView(data.buffer);
  }

  run(): Uint8Array {
    const { view } = this;
    while (this.#at < this.end) {
      this.#need(4);
      const magic = view.getUint32(this.#at, true);
      if ((magic & ~15) >>> 0 === SKIPPABLE) {
        this.#need(8);
        this.#at += 8 + view.getUint32(this.#at + 4, true);
        continue;
      }
      if (magic !== MAGIC) throw new RangeError('no Zstandard frame');
      this.#at += 4;
      this.#frame();
    }
    if (this.#done !== this.out.byteLength)
      throw new RangeError(`${this.#done} bytes instead of the declared ${this.out.byteLength}`);
    return this.out;
  }

  #need(bytes: number): void {
    if (this.#at + bytes > this.end) throw new RangeError('zstd: the data is cut short');
  }

  #frame(): void {
    this.#need(1);
    const descriptor = this.data[this.#at];
    const single = (descriptor & 32) !== 0;
    const sizeFlag = descriptor >> 6;
    if ((descriptor & 8) !== 0) throw new RangeError('zstd: a reserved bit is set');
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
    const windowBytes = single ? 0 : 1;
    const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag;
    const headerBytes = 1 + windowBytes + dictionaryBytes + sizeBytes;
    this.#need(headerBytes);
    for (let i = 0; i < dictionaryBytes; i++) {
      if (this.data[this.#at + 1 + windowBytes + i] !== 0) throw new RangeError('zstd: a frame with a dictionary');
    }
    this.#at += headerBytes;
    this.#frameStart = this.#done;
    this.#huffman = undefined;
    this.#tables = [];
    this.#recent.set([1, 4, 8]);
    for (let last = false; !last;) last = this.#block();
    if ((descriptor & 4) !== 0) {
      this.#need(4);
      this.#at += 4;
    }
  }

  #block(): boolean {
    this.#need(3);
    const { data, out } = this;
    const head = data[this.#at] | (data[this.#at + 1] << 8) | (data[this.#at + 2] << 16);
    this.#at += 3;
    const size = head >>> 3;
    const kind = (head >> 1) & 3;
    if (size > BLOCK_LIMIT || kind === 3) throw new RangeError('zstd: a broken block');
    if (kind < 2) {
      const stored = kind === 0 ? size : 1;
      this.#need(stored);
      this.#room(size);
      if (kind === 0) out.set(data.subarray(this.#at, this.#at + size), this.#done);
      else out.fill(data[this.#at], this.#done, this.#done + size);
      this.#at += stored;
      this.#done += size;
    } else {
      this.#need(size);
      this.#compressedBlock(this.#at + size);
      this.#at += size;
    }
    return (head & 1) === 1;
  }

  #room(bytes: number): void {
    if (this.#done + bytes > this.out.byteLength)
      throw new RangeError(`more than the declared ${this.out.byteLength} bytes`);
  }

  #compressedBlock(end: number): void {
    const { literals, next } = this.#readLiterals(this.#at, end);
    this.#readSequences(literals, next, end);
  }

  #readLiterals(start: number, end: number): { literals: Uint8Array; next: number } {
    const { data } = this;
    if (start >= end) throw new RangeError('zstd: an empty block');
    const kind = data[start] & 3;
    const format = (data[start] >> 2) & 3;
    if (kind < 2) {
      const headBytes = [1, 2, 1, 3][format];
      const head = data[start] | (data[start + 1] << 8) | (data[start + 2] << 16);
      const size = headBytes === 1 ? data[start] >> 3 : (head & ((1 << (8 * headBytes)) - 1)) >>> 4;
      const from = start + headBytes;
      const next = from + (kind === 0 ? size : 1);
      if (next > end || size > BLOCK_LIMIT) throw new RangeError('zstd: literals are cut short');
      if (kind === 0) return { literals: data.subarray(from, next), next };
      return { literals: this.#literals.fill(data[from], 0, size).subarray(0, size), next };
    }
    const headBytes = [3, 3, 4, 5][format];
    const sizeBits = [10, 10, 14, 18][format];
    if (start + headBytes > end) throw new RangeError('zstd: literals are cut short');
    let head = 0;
    for (let i = headBytes - 1; i >= 0; i--) head = head * 256 + data[start + i];
    head = Math.floor(head / 16);
    const size = head % 2 ** sizeBits;
    const compressed = Math.floor(head / 2 ** sizeBits);
    let from = start + headBytes;
    const next = from + compressed;
    if (next > end || size > BLOCK_LIMIT) throw new RangeError('zstd: literals are cut short');
    if (kind === 2) {
      const read = readHuffman(data, from, next);
      this.#huffman = read.table;
      from = read.next;
    }
    const table = this.#huffman;
    if (!table) throw new RangeError('zstd: literals without a Huffman table');
    if (format === 0) decodeHuffman(table, data, from, next, this.#literals, 0, size);
    else this.#fourStreams(table, from, next, size);
    return { literals: this.#literals.subarray(0, size), next };
  }

  #fourStreams(table: HuffmanTable, start: number, end: number, size: number): void {
    const { data } = this;
    const quarter = (size + 3) >> 2;
    if (start + 6 > end || 3 * quarter > size) throw new RangeError('zstd: literals are cut short');
    let from = start + 6;
    for (let i = 0; i < 4; i++) {
      const to = i < 3 ? from + (data[start + 2 * i] | (data[start + 2 * i + 1] << 8)) : end;
      if (to > end) throw new RangeError('zstd: literals are cut short');
      decodeHuffman(table, data, from, to, this.#literals, i * quarter, i < 3 ? (i + 1) * quarter : size);
      from = to;
    }
  }

  #readSequences(literals: Uint8Array, start: number, end: number): void {
    const { data } = this;
    if (start >= end) throw new RangeError('zstd: sequences are missing');
    let at = start + 1;
    let count = data[start];
    if (count >= 255) {
      count = data[at] + (data[at + 1] << 8) + 0x7f00;
      at += 2;
    } else if (count >= 128) {
      count = ((count - 128) << 8) + data[at];
      at += 1;
    }
    if (at > end) throw new RangeError('zstd: sequences are cut short');
    let used = 0;
    if (count > 0) {
      if (at >= end) throw new RangeError('zstd: sequences are cut short');
      const modes = data[at++];
      for (const [i, kind] of [LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS].entries()) {
        at = this.#readTable(i, (modes >> (6 - 2 * i)) & 3, kind, at, end);
      }
      used = this.#runSequences(count, literals, at, end);
    } else if (at !== end) {
      throw new RangeError('zstd: a block with bytes behind its end');
    }
    const rest = literals.byteLength - used;
    this.#room(rest);
    this.out.set(used === 0 ? literals : literals.subarray(used), this.#done);
    this.#done += rest;
  }

  #readTable(index: number, mode: number, kind: CodeKind, at: number, end: number): number {
    switch (mode) {
      case 0:
        this.#tables[index] = kind.predefined;
        return at;
      case 1:
        if (at >= end || this.data[at] > kind.symbolLimit) throw new RangeError('zstd: a broken code table');
        this.#tables[index] = singleFse(this.data[at]);
        return at + 1;
      case 2: {
        const { table, next } = readFse(this.data, at, end, kind.symbolLimit, kind.logLimit);
        this.#tables[index] = table;
        return next;
      }
      default:
        if (!this.#tables[index]) throw new RangeError('zstd: a code table is repeated before it was given');
        return at;
    }
  }

  /** Carries out `count` sequences of the bit stream data[start, end); returns how many literals they took. */
  #runSequences(count: number, literals: Uint8Array, start: number, end: number): number {
    const { out, view } = this;
    const recent = this.#recent;
    const [literalCodes, offsetCodes, matchCodes] = this.#tables as FseTable[];
    const [literalSteps, offsetSteps, matchSteps] = [literalCodes.steps, offsetCodes.steps, matchCodes.steps];
    const floor = start * 8;
    const limit = out.byteLength;
    const bits = new ReverseBits(this.data, start, end);
    let literalState = bits.read(literalCodes.log);
    let offsetState = bits.read(offsetCodes.log);
    let matchState = bits.read(matchCodes.log);
    let bit = bits.position;
    let done = this.#done;
    let used = 0;
    for (let i = 0; i < count; i++) {
      const offsetStep = offsetSteps[offsetState];
      const matchStep = matchSteps[matchState];
      const literalStep = literalSteps[literalState];
      // Where the stream is too short, bits before it are read; that shows at the end, and nothing depends on it before.
      if (bit < floor) throw new RangeError('zstd: sequences are cut short');
      const offsetCode = offsetStep & 255;
      let value: number;
      if (offsetCode <= 24) {
        bit -= offsetCode;
        value = (1 << offsetCode) + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << offsetCode) - 1));
      } else {
        bit -= offsetCode - 16;
        const high = (view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << (offsetCode - 16)) - 1);
        bit -= 16;
        value = 2 ** offsetCode + high * 65536 + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & 65535);
      }
      let width = MATCH_BITS[matchStep & 255];
      bit -= width;
      const matchLength =
        MATCH_BASES[matchStep & 255] + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << width) - 1));
      width = LITERAL_BITS[literalStep & 255];
      bit -= width;
      const literalLength =
        LITERAL_BASES[literalStep & 255] + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << width) - 1));
      if (i + 1 < count) {
        width = (literalStep >>> 8) & 255;
        bit -= width;
        literalState = (literalStep >>> 16) + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << width) - 1));
        width = (matchStep >>> 8) & 255;
        bit -= width;
        matchState = (matchStep >>> 16) + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << width) - 1));
        width = (offsetStep >>> 8) & 255;
        bit -= width;
        offsetState = (offsetStep >>> 16) + ((view.getUint32(bit >>> 3, true) >>> (bit & 7)) & ((1 << width) - 1));
      }
      const offset =
        value > 3 ? pushOffset(recent, value - 3) : recentOffset(recent, value + (literalLength === 0 ? 1 : 0));
      if (used + literalLength > literals.byteLength) throw new RangeError('zstd: a sequence without its literals');
      if (done + literalLength + matchLength > limit) throw new RangeError(`more than the declared ${limit} bytes`);
      if (literalLength > 32) out.set(literals.subarray(used, used + literalLength), done);
      else for (let j = 0; j < literalLength; j++) out[done + j] = literals[used + j];
      used += literalLength;
      done += literalLength;
      const from = done - offset;
      if (offset <= 0 || from < this.#frameStart) throw new RangeError('zstd: a match reaches before the start');
      if (offset >= matchLength && matchLength > 48) out.copyWithin(done, from, from + matchLength);
      else for (let j = 0; j < matchLength; j++) out[done + j] = out[from + j];
      done += matchLength;
    }
    if (bit !== floor) throw new RangeError('zstd: sequences do not end with their stream');
    this.#done = done;
    return used;
  }
}

function pushOffset(recent: Int32Array, offset: number): number {
  recent[2] = recent[1];
  recent[1] = recent[0];
  recent[0] = offset;
  return offset;
}

/** Offset number `which` (1 to 3) of the recent ones, 4 for the last one less 1; it becomes the most recent. */
function recentOffset(recent: Int32Array, which: number): number {
  const offset = which === 4 ? recent[0] - 1 : recent[which - 1];
  if (which > 2) recent[2] = recent[1];
  if (which > 1) recent[1] = recent[0];
  recent[0] = offset;
  return offset;
}

import { fail } from '@armilla/base';
import { type Frame } from './frame.js';
import { frameCrc32c } from './frame-checksum.js';
import { Undecodable } from './undecodable.js';

/** Field numbers of armilla.type.v1.ArrowFrame. */
const HEADER = 2;
const METADATA = 3;
const TABLE = 4;
const CRC32C = 5;
const END_OF_TABLE = 6;
const MORE = 7;
const BODY = 1000;

/** gRPC puts 5 bytes before a message, and the receiver gets a view that starts behind them. */
const GRPC_PREFIX_BYTES = 5;
const MAX_VARINT_BYTES = 10;
const WHERE = 'frame';

/**
 * Protobuf encoding of a frame: one copy, straight from the column buffers (the generated codec makes three or four).
 * The header is padded so that the body arrives 8-byte aligned, unless the frame is sealed: then every byte stands.
 */
export function serializeFrame(frame: Frame): Buffer {
  const encoding = new FrameEncoding(frame);
  const out = Buffer.allocUnsafe(encoding.byteLength);
  encoding.copy(out, 0);
  return out;
}

/**
 * The part of Buffer that grpc-js uses of a serialized message: its length and `copy`, once, behind the 5-byte prefix.
 * Encoding in `copy` saves a buffer and a copy per frame. Tests send frames both ways to hold grpc-js to it.
 */
export class FrameEncoding {
  readonly byteLength: number;
  readonly length: number;
  readonly #frame: Frame;
  readonly #headerLength: number;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#headerLength = frame.header.byteLength + (frame.crc32c === undefined ? headerPadding(frame) : 0);
    this.byteLength =
      bytesFieldSize(HEADER, this.#headerLength) + smallFieldsSize(frame) + bytesFieldSize(BODY, frame.bodyLength);
    this.length = this.byteLength;
    const bodyLength = frame.body.reduce((sum, part) => sum + part.byteLength, 0);
    if (bodyLength !== frame.bodyLength)
      throw new RangeError(`frame body has ${bodyLength} bytes, declared ${frame.bodyLength}`);
  }

  /** Writes the encoding into `out` from `start` on; returns its length. */
  copy(out: Buffer, start: number): number {
    const frame = this.#frame;
    let at = start;
    if (this.#headerLength > 0) {
      at = putLength(out, at, HEADER, this.#headerLength);
      out.set(frame.header, at);
      out.fill(0, at + frame.header.byteLength, at + this.#headerLength);
      at += this.#headerLength;
    }
    if (frame.metadata && frame.metadata.byteLength > 0) {
      at = putLength(out, at, METADATA, frame.metadata.byteLength);
      out.set(frame.metadata, at);
      at += frame.metadata.byteLength;
    }
    if (frame.table !== 0) {
      out[at++] = TABLE * 8;
      at = putVarint(out, at, frame.table);
    }
    if (frame.crc32c !== undefined) {
      out[at++] = CRC32C * 8 + 5;
      at = out.writeUInt32LE(frame.crc32c, at);
    }
    if (frame.endOfTable) {
      out[at++] = END_OF_TABLE * 8;
      out[at++] = 1;
    }
    if (frame.more) {
      out[at++] = MORE * 8;
      out[at++] = 1;
    }
    if (frame.bodyLength > 0) {
      at = putLength(out, at, BODY, frame.bodyLength);
      for (const part of frame.body) {
        out.set(part, at);
        at += part.byteLength;
      }
    }
    return this.byteLength;
  }
}

/** For gRPC's definitions, which ask for a Buffer. */
export function sendFrame(frame: Frame): Buffer {
  return new FrameEncoding(frame) as unknown as Buffer;
}

/** Reads a frame; its arrays are views on `bytes`. Throws REQUEST_INVALID or CHECKSUM_MISMATCH. */
export function deserializeFrame(bytes: Buffer): Frame {
  const reader = new FrameReader(bytes);
  const frame: Frame = {
    header: bytes.subarray(0, 0),
    metadata: undefined,
    table: 0,
    endOfTable: false,
    more: false,
    body: [],
    bodyLength: 0,
    crc32c: undefined,
  };
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    switch (tag) {
      case HEADER * 8 + 2:
        frame.header = reader.bytes();
        break;
      case METADATA * 8 + 2:
        frame.metadata = reader.bytes();
        break;
      case TABLE * 8:
        frame.table = reader.int32();
        break;
      case CRC32C * 8 + 5:
        frame.crc32c = reader.fixed32();
        break;
      case END_OF_TABLE * 8:
        frame.endOfTable = reader.varint() !== 0;
        break;
      case MORE * 8:
        frame.more = reader.varint() !== 0;
        break;
      case BODY * 8 + 2: {
        const body = reader.bytes();
        frame.body = body.length > 0 ? [body] : [];
        frame.bodyLength = body.length;
        break;
      }
      default:
        reader.skip(tag);
    }
  }
  if (frame.table !== 0 && frame.table !== 1)
    throw fail('STREAM_ORDER', { where: WHERE, detail: `table is ${frame.table}, must be 0 or 1` });
  if (frame.crc32c !== undefined) {
    const got = frameCrc32c(frame);
    if (got !== frame.crc32c)
      throw fail('CHECKSUM_MISMATCH', { where: WHERE, got: hex(got), expected: hex(frame.crc32c) });
  }
  return frame;
}

/** For gRPC: a damaged frame becomes a value that carries its Problem, so that the call ends with a typed status. */
export function receiveFrame(bytes: Buffer): Frame | Undecodable {
  try {
    return deserializeFrame(bytes);
  } catch (error) {
    return new Undecodable(error);
  }
}

/** Zero bytes to append to the flatbuffer (its readers ignore them) so that received columns are views, not copies. */
export function headerPadding(frame: Frame): number {
  const headerLength = frame.header.byteLength;
  if (headerLength === 0 || frame.bodyLength === 0) return 0;
  const behind = GRPC_PREFIX_BYTES + smallFieldsSize(frame) + varintSize(BODY * 8 + 2) + varintSize(frame.bodyLength);
  // The padding may lengthen the header's own length prefix, so 8 tries are not always enough.
  for (let pad = 0; pad < 16; pad++) {
    if ((behind + bytesFieldSize(HEADER, headerLength + pad)) % 8 === 0) return pad;
  }
  return 0;
}

class FrameReader {
  at = 0;
  /** The high 32 bits of the number read last. */
  #high = 0;

  constructor(private readonly source: Buffer) {}

  /** Exact below 2^53. */
  varint(): number {
    const low = this.int32();
    return this.#high * 2 ** 32 + (low >>> 0);
  }

  /** The low 32 bits of a number, which negative ones are sent with ten bytes for. */
  int32(): number {
    let low = 0;
    let high = 0;
    for (let n = 0; n < MAX_VARINT_BYTES; n++) {
      if (this.at >= this.source.length) throw damaged('it ends within a number');
      const byte = this.source[this.at++];
      const bits = byte & 127;
      if (n < 4) low |= bits << (7 * n);
      else if (n === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * n - 32);
      if (byte < 128) {
        this.#high = high >>> 0;
        return low;
      }
    }
    throw damaged(`a number at byte ${this.at - MAX_VARINT_BYTES} has no end`);
  }

  fixed32(): number {
    if (this.at + 4 > this.source.length) throw damaged('it ends within a checksum');
    this.at += 4;
    return this.source.readUInt32LE(this.at - 4);
  }

  bytes(): Buffer {
    const length = this.varint();
    if (length > this.source.length - this.at) {
      throw damaged(`a field at byte ${this.at} claims ${length} bytes, ${this.source.length - this.at} are there`);
    }
    this.at += length;
    return this.source.subarray(this.at - length, this.at);
  }

  skip(tag: number): void {
    const wireType = tag % 8;
    if (tag < 8 || tag > 0xffffffff) throw damaged(`tag ${tag} at byte ${this.at} is none`);
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.advance(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.advance(4);
    else throw damaged(`wire type ${wireType} at byte ${this.at} is not known`);
  }

  private advance(count: number): void {
    if (this.at + count > this.source.length) throw damaged('it ends within a field');
    this.at += count;
  }
}

const damaged = (detail: string): Error => fail('REQUEST_INVALID', { detail: `an ArrowFrame is damaged: ${detail}` });

const hex = (value: number): string => value.toString(16).padStart(8, '0');

function smallFieldsSize(frame: Frame): number {
  return (
    bytesFieldSize(METADATA, frame.metadata?.byteLength ?? 0) +
    (frame.table === 0 ? 0 : 1 + varintSize(frame.table)) +
    (frame.crc32c === undefined ? 0 : 5) +
    (frame.endOfTable ? 2 : 0) +
    (frame.more ? 2 : 0)
  );
}

function bytesFieldSize(field: number, length: number): number {
  return length === 0 ? 0 : varintSize(field * 8 + 2) + varintSize(length) + length;
}

function varintSize(value: number): number {
  let size = 1;
  for (; value > 127; value = Math.floor(value / 128)) size++;
  return size;
}

function putVarint(out: Buffer, at: number, value: number): number {
  for (; value > 127; value = Math.floor(value / 128)) out[at++] = (value % 128) | 128;
  out[at++] = value;
  return at;
}

function putLength(out: Buffer, at: number, field: number, length: number): number {
  return putVarint(out, putVarint(out, at, field * 8 + 2), length);
}

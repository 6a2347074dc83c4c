import { fail } from '@armilla/base';
import { type Frame, LAST_TABLE } from './frame.js';
import { frameCrc32c } from './frame-checksum.js';
import { Undecodable } from './undecodable.js';
import {
  bytesFieldSize,
  paddingBefore,
  putBytes,
  putPadded,
  putParts,
  putVarint,
  varintSize,
  WireReader,
} from './wire.js';

/** Field numbers of armilla.type.v1.ArrowFrame. */
const HEADER = 2;
const METADATA = 3;
const TABLE = 4;
const CRC32C = 5;
const END_OF_TABLE = 6;
const MORE = 7;
const BODY = 1000;

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
    at = putPadded(out, at, HEADER, frame.header, this.#headerLength - frame.header.byteLength);
    at = putBytes(out, at, METADATA, frame.metadata);
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
    putParts(out, at, BODY, frame.body, frame.bodyLength);
    return this.byteLength;
  }
}

/** For gRPC's definitions, which ask for a Buffer. */
export function sendFrame(frame: Frame): Buffer {
  return new FrameEncoding(frame) as unknown as Buffer;
}

/** Reads a frame; its arrays are views on `bytes`. Throws REQUEST_INVALID or CHECKSUM_MISMATCH. */
export function deserializeFrame(bytes: Buffer): Frame {
  const reader = new WireReader(bytes, 'an ArrowFrame');
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
  while (!reader.ended) {
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
  if (!(frame.table >= 0 && frame.table <= LAST_TABLE))
    throw fail('STREAM_ORDER', { where: WHERE, detail: `table is ${frame.table}, must be in [0, ${LAST_TABLE}]` });
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
  return paddingBefore(BODY, frame.bodyLength, HEADER, headerLength, smallFieldsSize(frame));
}

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

import { fail } from '@armilla/base';
import { FlightDescriptor } from '@armilla/proto';
import { type FlightMessage, makeFlightMessage } from './flight-message.js';
import { Undecodable } from './undecodable.js';
import { bytesFieldSize, paddingBefore, putBytes, putPadded, putParts, WireReader } from './wire.js';

/** Field numbers of arrow.flight.protocol.FlightData. */
const DESCRIPTOR = 1;
const HEADER = 2;
const METADATA = 3;
const BODY = 1000;

/** Protobuf encoding of a message, as `FrameEncoding` does it: one copy, the body 8-byte aligned for its receiver. */
class FlightEncoding {
  readonly byteLength: number;
  readonly length: number;
  readonly #message: FlightMessage;
  readonly #descriptor: Uint8Array | undefined;
  readonly #padding: number;

  constructor(message: FlightMessage) {
    const { header, metadata, body, bodyLength, descriptor } = message;
    const sum = body.reduce((bytes, part) => bytes + part.byteLength, 0);
    if (sum !== bodyLength) throw new RangeError(`message body has ${sum} bytes, declared ${bodyLength}`);
    this.#message = message;
    this.#descriptor = descriptor && FlightDescriptor.encode(descriptor).finish();
    const others =
      bytesFieldSize(DESCRIPTOR, this.#descriptor?.byteLength ?? 0) +
      bytesFieldSize(METADATA, metadata?.byteLength ?? 0);
    const { byteLength } = header;
    this.#padding =
      byteLength === 0 || bodyLength === 0 ? 0 : paddingBefore(BODY, bodyLength, HEADER, byteLength, others);
    this.byteLength = others + bytesFieldSize(HEADER, byteLength + this.#padding) + bytesFieldSize(BODY, bodyLength);
    this.length = this.byteLength;
  }

  /** Writes the encoding into `out` from `start` on; returns its length. */
  copy(out: Buffer, start: number): number {
    const { header, metadata, body, bodyLength } = this.#message;
    let at = putBytes(out, start, DESCRIPTOR, this.#descriptor);
    at = putPadded(out, at, HEADER, header, this.#padding);
    at = putBytes(out, at, METADATA, metadata);
    putParts(out, at, BODY, body, bodyLength);
    return this.byteLength;
  }
}

/** For gRPC's definitions, which ask for a Buffer. */
export function sendFlightMessage(message: FlightMessage): Buffer {
  return new FlightEncoding(message) as unknown as Buffer;
}

/** Reads a message; its arrays are views on `bytes`. Throws REQUEST_INVALID. */
function deserialize(bytes: Buffer): FlightMessage {
  const reader = new WireReader(bytes, 'a FlightData');
  const message = makeFlightMessage();
  while (!reader.ended) {
    const tag = reader.varint();
    switch (tag) {
      case DESCRIPTOR * 8 + 2:
        message.descriptor = readDescriptor(reader.bytes());
        break;
      case HEADER * 8 + 2:
        message.header = reader.bytes();
        break;
      case METADATA * 8 + 2:
        message.metadata = reader.bytes();
        break;
      case BODY * 8 + 2: {
        const body = reader.bytes();
        message.body = body.length > 0 ? [body] : [];
        message.bodyLength = body.length;
        break;
      }
      default:
        reader.skip(tag);
    }
  }
  return message;
}

function readDescriptor(bytes: Buffer): FlightDescriptor {
  try {
    return FlightDescriptor.decode(bytes);
  } catch (error) {
    throw fail(
      'REQUEST_INVALID',
      { detail: `a FlightDescriptor is damaged: ${(error as Error).message}` },
      { cause: error },
    );
  }
}

/** For gRPC: a damaged message becomes a value that carries its Problem, so that the call ends with a typed status. */
export function receiveFlightMessage(bytes: Buffer): FlightMessage | Undecodable {
  try {
    return deserialize(bytes);
  } catch (error) {
    return new Undecodable(error);
  }
}

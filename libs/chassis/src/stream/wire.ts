import { fail } from '@armilla/base';

/** gRPC puts 5 bytes before a message, and the receiver gets a view that starts behind them. */
const GRPC_PREFIX_BYTES = 5;
const MAX_VARINT_BYTES = 10;

/** Reads the fields of one encoded message, without copying. Throws REQUEST_INVALID, naming the message, where it is damaged. */
export class WireReader {
  at = 0;
  /** The high 32 bits of the number read last. */
  #high = 0;

  constructor(
    private readonly source: Buffer,
    private readonly message: string,
  ) {}

  get ended(): boolean {
    return this.at >= this.source.length;
  }

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
      if (this.at >= this.source.length) throw this.#damaged('it ends within a number');
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
    throw this.#damaged(`a number at byte ${this.at - MAX_VARINT_BYTES} has no end`);
  }

  fixed32(): number {
    if (this.at + 4 > this.source.length) throw this.#damaged('it ends within a checksum');
    this.at += 4;
    return this.source.readUInt32LE(this.at - 4);
  }

  bytes(): Buffer {
    const length = this.varint();
    if (length > this.source.length - this.at) {
      throw this.#damaged(
        `a field at byte ${this.at} claims ${length} bytes, ${this.source.length - this.at} are there`,
      );
    }
    this.at += length;
    return this.source.subarray(this.at - length, this.at);
  }

  skip(tag: number): void {
    const wireType = tag % 8;
    if (tag < 8 || tag > 0xffffffff) throw this.#damaged(`tag ${tag} at byte ${this.at} is none`);
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.advance(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.advance(4);
    else throw this.#damaged(`wire type ${wireType} at byte ${this.at} is not known`);
  }

  private advance(count: number): void {
    if (this.at + count > this.source.length) throw this.#damaged('it ends within a field');
    this.at += count;
  }

  #damaged(detail: string): Error {
    return fail('REQUEST_INVALID', { detail: `${this.message} is damaged: ${detail}` });
  }
}

export function bytesFieldSize(field: number, length: number): number {
  return length === 0 ? 0 : varintSize(field * 8 + 2) + varintSize(length) + length;
}

export function varintSize(value: number): number {
  let size = 1;
  for (; value > 127; value = Math.floor(value / 128)) size++;
  return size;
}

export function putVarint(out: Buffer, at: number, value: number): number {
  for (; value > 127; value = Math.floor(value / 128)) out[at++] = (value % 128) | 128;
  out[at++] = value;
  return at;
}

export function putLength(out: Buffer, at: number, field: number, length: number): number {
  return putVarint(out, putVarint(out, at, field * 8 + 2), length);
}

/** The field unless it is empty. */
export function putBytes(out: Buffer, at: number, field: number, bytes: Uint8Array | undefined): number {
  return bytes ? putParts(out, at, field, [bytes], bytes.byteLength) : at;
}

/** A field of `length` bytes in parts, unless it is empty. */
export function putParts(out: Buffer, at: number, field: number, parts: readonly Uint8Array[], length: number): number {
  if (length === 0) return at;
  at = putLength(out, at, field, length);
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return at;
}

/** The field with `padding` zeros behind its bytes, unless it is empty. */
export function putPadded(out: Buffer, at: number, field: number, bytes: Uint8Array, padding: number): number {
  const length = bytes.byteLength + padding;
  if (length === 0) return at;
  at = putLength(out, at, field, length);
  out.set(bytes, at);
  out.fill(0, at + bytes.byteLength, at + length);
  return at + length;
}

/**
 * Zero bytes to append to a field of `length` bytes so that the field `bodyField`, which comes behind it and `between`
 * bytes of others, starts 8-byte aligned behind gRPC's prefix: its receiver then reads columns where they lie.
 */
export function paddingBefore(
  bodyField: number,
  bodyLength: number,
  field: number,
  length: number,
  between: number,
): number {
  const behind = GRPC_PREFIX_BYTES + between + varintSize(bodyField * 8 + 2) + varintSize(bodyLength);
  // The padding may lengthen the field's own length prefix, so 8 tries are not always enough.
  for (let pad = 0; pad < 16; pad++) {
    if ((behind + bytesFieldSize(field, length + pad)) % 8 === 0) return pad;
  }
  return 0;
}

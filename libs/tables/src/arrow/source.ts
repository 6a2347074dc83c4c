import { fail } from '@armilla/base';
import type { ByteSource } from '../parquet/source.js';
import type { ArrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { messageBodyLength } from './wire/header.js';

const WINDOW_BYTES = 2 ** 20;
const CONTINUATION = 0xffffffff;

/** Messages of a file by their place. Small ones are read many at a time, large bodies at once and without a copy. */
export class MessageSource {
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  constructor(
    readonly source: ByteSource,
    readonly where: string,
    readonly limits: ArrowLimits,
  ) {}

  /** Exactly `length` bytes. @throws ARROW_TRUNCATED beyond the end */
  async bytes(offset: number, length: number, what: string): Promise<Uint8Array> {
    const { source } = this;
    if (offset + length > source.byteLength) {
      const detail = `${what} should reach to byte ${offset + length}, there are ${source.byteLength}`;
      throw fail('ARROW_TRUNCATED', { where: this.where, detail });
    }
    const start = offset - this.#windowStart;
    if (start >= 0 && start + length <= this.#window.byteLength) return this.#window.subarray(start, start + length);
    if (length > WINDOW_BYTES / 4) return source.read(offset, length);
    this.#window = await source.read(offset, Math.min(WINDOW_BYTES, source.byteLength - offset));
    this.#windowStart = offset;
    return this.#window.subarray(0, length);
  }

  /** The message at `offset` and the place behind it; no message at the end mark. */
  async message(offset: number, number: number): Promise<{ message: IpcMessage | undefined; next: number }> {
    const { where, limits } = this;
    const what = `message ${number}`;
    if (offset === this.source.byteLength) {
      const detail =
        offset === 0 ? 'it is empty' : `no end mark before ${what}; it was cut off, or its writer was not closed`;
      throw fail('ARROW_TRUNCATED', { where, detail });
    }
    const mark = uint32(await this.bytes(offset, 4, what));
    // Streams of before 0.15 have the length at once, without the continuation mark.
    const current = mark === CONTINUATION;
    const headerLength = current ? uint32(await this.bytes(offset + 4, 4, what)) : mark;
    const start = offset + (current ? 8 : 4);
    if (headerLength === 0) return { message: undefined, next: start };
    if (headerLength > limits.headerBytes) {
      if (number === 1) throw fail('ARROW_INVALID', { where, detail: 'it does not start like one' });
      throw fail('ARROW_LIMIT', { where, detail: `a header of ${headerLength} bytes, over ${limits.headerBytes}` });
    }
    const header = await this.bytes(start, headerLength, `the header of ${what}`);
    const bodyLength = messageBodyLength(header, where);
    if (bodyLength > limits.messageBytes) {
      throw fail('ARROW_LIMIT', {
        where,
        detail: `a message of ${bodyLength} bytes, over ${limits.messageBytes}; write smaller batches`,
      });
    }
    const bodyStart = start + headerLength;
    const body = bodyLength === 0 ? [] : [await this.bytes(bodyStart, bodyLength, `the body of ${what}`)];
    return { message: { header, body, bodyLength }, next: bodyStart + bodyLength };
  }
}

function uint32(bytes: Uint8Array): number {
  return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
}

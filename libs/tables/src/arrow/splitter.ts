import { fail, type Problem } from '@armilla/base';
import { type ArrowLimits, arrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { messageBodyLength } from './wire/header.js';

export interface IpcSplitterOptions {
  /** Names the stream in messages. */
  readonly where?: string;
  readonly limits?: Partial<ArrowLimits>;
}

const CONTINUATION = 0xffffffff;

/** Chunks below this size are joined when so many came in a row: each one held costs some hundred bytes besides its own. */
const SMALL_BYTES = 4096;
const SMALL_RUN = 256;

/**
 * Cuts bytes in Arrow's IPC stream format into messages, whatever the size of the chunks. Bodies are neither decoded nor
 * copied; what is held is bounded by one message. Bytes behind the end mark are ignored.
 */
export class IpcSplitter {
  readonly #where: string;
  readonly #limits: ArrowLimits;
  #chunks: Uint8Array[] = [];
  /** Small chunks in a row at the end of `#chunks`. */
  #smallRun = 0;
  #have = 0;
  #need = 4;
  #state: 'mark' | 'length' | 'header' | 'body' | 'end' = 'mark';
  #header: Uint8Array = new Uint8Array(0);
  #messageCount = 0;

  constructor(options: IpcSplitterOptions = {}) {
    this.#where = options.where ?? 'stream';
    this.#limits = arrowLimits(options.limits);
  }

  /** Whether the end mark came. */
  get ended(): boolean {
    return this.#state === 'end';
  }

  /**
   * The messages that `chunk` completes; to be consumed before the next push. The chunk is kept until its messages are.
   * @throws ARROW_INVALID, ARROW_LIMIT
   */
  *push(chunk: Uint8Array): IterableIterator<IpcMessage> {
    if (this.ended || chunk.byteLength === 0) return;
    this.#keep(chunk);
    while (this.#have >= this.#need) {
      switch (this.#state) {
        case 'mark':
          this.#readMark();
          break;
        case 'length':
          this.#startHeader(readUint32(this.#join(4)));
          break;
        case 'header': {
          this.#header = this.#join(this.#need);
          const bodyLength = messageBodyLength(this.#header, this.#where);
          const { messageBytes } = this.#limits;
          if (bodyLength > messageBytes)
            throw this.#limit(`a message of ${bodyLength} bytes, over ${messageBytes}; write smaller batches`);
          this.#expect('body', bodyLength);
          break;
        }
        case 'body': {
          const bodyLength = this.#need;
          const message = { header: this.#header, body: this.#cut(bodyLength), bodyLength };
          this.#messageCount++;
          this.#expect('mark', 4);
          yield message;
          break;
        }
        case 'end':
          this.#chunks = [];
          this.#have = 0;
          return;
      }
    }
  }

  /**
   * To be called at the end of the bytes.
   * @throws ARROW_TRUNCATED when the end mark did not come: else a stream that was cut between two messages would pass
   */
  finish(): void {
    if (this.ended) return;
    const between = this.#state === 'mark' && this.#have === 0;
    const number = this.#messageCount + 1;
    const detail = !between
      ? `${this.#have} of ${this.#need} bytes of the ${this.#state} of message ${number}`
      : number === 1
        ? 'it is empty'
        : `no end mark after message ${number - 1}; it was cut off, or its writer was not closed`;
    throw fail('ARROW_TRUNCATED', { where: this.#where, detail });
  }

  #readMark(): void {
    const mark = readUint32(this.#join(4));
    // Streams of before 0.15 have the length at once, without the continuation mark.
    if (mark === CONTINUATION) this.#expect('length', 4);
    else this.#startHeader(mark);
  }

  #startHeader(length: number): void {
    if (length === 0) {
      this.#expect('end', 0);
      return;
    }
    const { headerBytes } = this.#limits;
    if (length > headerBytes) {
      throw this.#messageCount === 0
        ? this.#invalid('it does not start like one')
        : this.#limit(`a header of ${length} bytes, over ${headerBytes}`);
    }
    if (length < 8) throw this.#invalid(`message ${this.#messageCount + 1} has a header of ${length} bytes`);
    this.#expect('header', length);
  }

  #expect(state: 'mark' | 'length' | 'header' | 'body' | 'end', need: number): void {
    this.#state = state;
    this.#need = need;
  }

  #invalid(detail: string): Problem {
    return fail('ARROW_INVALID', { where: this.#where, detail });
  }

  #limit(detail: string): Problem {
    return fail('ARROW_LIMIT', { where: this.#where, detail });
  }

  #keep(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#have += chunk.byteLength;
    this.#smallRun = chunk.byteLength < SMALL_BYTES ? this.#smallRun + 1 : 0;
    if (this.#smallRun < SMALL_RUN) return;
    // What was cut off meanwhile is no longer there to be joined.
    const tail = this.#chunks.splice(-this.#smallRun);
    this.#chunks.push(joined(tail));
    this.#smallRun = 0;
  }

  /** The next `length` bytes in the pieces they came in. */
  #cut(length: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    this.#have -= length;
    let left = length;
    let used = 0;
    while (left > 0) {
      const chunk = this.#chunks[used];
      if (chunk.byteLength <= left) {
        parts.push(chunk);
        used++;
        left -= chunk.byteLength;
      } else {
        parts.push(chunk.subarray(0, left));
        this.#chunks[used] = chunk.subarray(left);
        left = 0;
      }
    }
    this.#chunks.splice(0, used);
    return parts;
  }

  #join(length: number): Uint8Array {
    const parts = this.#cut(length);
    return parts.length === 1 ? parts[0] : joined(parts);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

function readUint32(bytes: Uint8Array): number {
  return (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;
}

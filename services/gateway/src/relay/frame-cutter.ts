import { fail, type Problem } from '@armilla/base';
import { type Frame, FRAME_BODY_BYTES, makeFrame } from '@armilla/chassis';
import { messageBodyLength } from '@armilla/tables';

const CONTINUATION = 0xffffffff;
const NO_BYTES = new Uint8Array(0);

/** A frame carries a whole header and must stay below the 4 MiB of a gRPC message. */
const MAX_HEADER_BYTES = 2.5 * 2 ** 20;

/**
 * Cuts bytes in Arrow's IPC stream format into frames as they come, whatever the size of messages and chunks: never
 * more than one frame is held. Nothing is decoded or copied but headers.
 */
export class FrameCutter {
  #state: 'mark' | 'length' | 'header' | 'body' | 'end' = 'mark';
  /** Bytes of the current mark, length or header so far. */
  #small: Uint8Array[] = [];
  #smallBytes = 0;
  #need = 4;
  #header: Uint8Array = NO_BYTES;
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #bodyLeft = 0;
  #messageCount = 0;

  constructor(
    private readonly table: number,
    private readonly where: string,
  ) {}

  /** The frames that `chunk` completes. Bytes behind the end mark are ignored. @throws ARROW_INVALID, ARROW_LIMIT */
  *push(chunk: Uint8Array): Generator<Frame, void, undefined> {
    let at = 0;
    while (at < chunk.byteLength && this.#state !== 'end') {
      if (this.#state === 'body') {
        const part = chunk.subarray(at, at + Math.min(this.#bodyLeft, FRAME_BODY_BYTES - this.#partBytes));
        at += part.byteLength;
        this.#parts.push(part);
        this.#partBytes += part.byteLength;
        this.#bodyLeft -= part.byteLength;
        if (this.#bodyLeft === 0 || this.#partBytes === FRAME_BODY_BYTES) yield this.#takeFrame();
        continue;
      }
      const part = chunk.subarray(at, at + this.#need - this.#smallBytes);
      at += part.byteLength;
      this.#small.push(part);
      this.#smallBytes += part.byteLength;
      if (this.#smallBytes < this.#need) continue;
      const bytes = Buffer.concat(this.#small, this.#need);
      this.#small = [];
      this.#smallBytes = 0;
      if (this.#state === 'mark') this.#readMark(bytes.readUInt32LE(0));
      else if (this.#state === 'length') this.#startHeader(bytes.readUInt32LE(0));
      else {
        this.#header = bytes;
        this.#bodyLeft = messageBodyLength(bytes, this.where);
        this.#messageCount++;
        this.#state = 'body';
        if (this.#bodyLeft === 0) yield this.#takeFrame();
      }
    }
  }

  /** To be called at the end of the bytes. @throws ARROW_TRUNCATED when the end mark did not come */
  finish(): void {
    if (this.#state === 'end') return;
    const empty = this.#messageCount === 0 && this.#state === 'mark' && this.#smallBytes === 0;
    const missing =
      this.#state === 'body'
        ? `${this.#bodyLeft} bytes of the body of message ${this.#messageCount} are missing`
        : `no end mark after message ${this.#messageCount}; it was cut off, or its writer was not closed`;
    throw fail('ARROW_TRUNCATED', { where: this.where, detail: empty ? 'it is empty' : missing });
  }

  #takeFrame(): Frame {
    const more = this.#bodyLeft > 0;
    const frame = makeFrame({
      header: this.#header,
      table: this.table,
      more,
      body: this.#parts,
      bodyLength: this.#partBytes,
    });
    this.#header = NO_BYTES;
    this.#parts = [];
    this.#partBytes = 0;
    if (!more) this.#expect('mark', 4);
    return frame;
  }

  #readMark(mark: number): void {
    // Streams of before 0.15 have the length at once, without the continuation mark.
    if (mark === CONTINUATION) this.#expect('length', 4);
    else this.#startHeader(mark);
  }

  #startHeader(length: number): void {
    if (length === 0) this.#state = 'end';
    else if (length < 8) throw this.#invalid(`message ${this.#messageCount + 1} has a header of ${length} bytes`);
    else if (length > MAX_HEADER_BYTES)
      throw this.#messageCount === 0 && length > 2 ** 28
        ? this.#invalid('it does not start like one')
        : this.#limit(length);
    else this.#expect('header', length);
  }

  #expect(state: 'mark' | 'length' | 'header', need: number): void {
    this.#state = state;
    this.#need = need;
  }

  #invalid(detail: string): Problem {
    return fail('ARROW_INVALID', { where: this.where, detail });
  }

  #limit(length: number): Problem {
    return fail('ARROW_LIMIT', {
      where: this.where,
      detail: `a header of ${length} bytes, over ${MAX_HEADER_BYTES}; write fewer columns`,
    });
  }
}

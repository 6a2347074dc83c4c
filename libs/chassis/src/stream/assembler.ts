import { fail, type Problem } from '@armilla/base';
import { type FramedMessage } from './cut.js';
import { type Frame } from './frame.js';

export interface AssemblerLimits {
  /** Names the stream in errors. */
  readonly where?: string;
  /** Body bytes of one IPC message. Default 1 GiB. */
  readonly messageBytes?: number;
  /** Header bytes of one IPC message. Default 16 MiB. */
  readonly headerBytes?: number;
}

export interface AssembledMessage {
  readonly message: FramedMessage;
  /** As in the frame. */
  readonly table: number;
}

interface PendingMessage {
  readonly header: Uint8Array;
  readonly body: Uint8Array[];
  bodyLength: number;
}

/**
 * Joins frames to IPC messages, per table. Bodies stay parts: nothing is copied. Throws STREAM_ORDER when the frames
 * do not follow the contract and MESSAGE_TOO_LARGE beyond the limits.
 */
export class FrameAssembler {
  readonly #where: string;
  readonly #messageBytes: number;
  readonly #headerBytes: number;
  readonly #pending = new Map<number, PendingMessage>();
  readonly #ended = new Set<number>();

  constructor(limits: AssemblerLimits = {}) {
    this.#where = limits.where ?? 'stream';
    this.#messageBytes = limits.messageBytes ?? 2 ** 30;
    this.#headerBytes = limits.headerBytes ?? 16 * 2 ** 20;
  }

  /** The message that `frame` completes; undefined for a part, an event or an end mark. */
  push(frame: Frame): AssembledMessage | undefined {
    const { table } = frame;
    const hasBytes = frame.header.byteLength > 0 || frame.bodyLength > 0;
    if (hasBytes && this.#ended.has(table)) throw this.#disorder(`table ${table} has ended already`);
    let pending = this.#pending.get(table);
    if (frame.header.byteLength > 0) {
      if (pending) throw this.#disorder(`a message of table ${table} begins within another`);
      if (frame.header.byteLength > this.#headerBytes)
        throw this.#tooLarge('message header', frame.header.byteLength, this.#headerBytes);
      pending = { header: frame.header, body: [], bodyLength: 0 };
    } else if (!pending && (frame.bodyLength > 0 || frame.more)) {
      throw this.#disorder(`a body of table ${table} comes without a header`);
    }
    if (pending) {
      pending.bodyLength += frame.bodyLength;
      if (pending.bodyLength > this.#messageBytes)
        throw this.#tooLarge('message body', pending.bodyLength, this.#messageBytes);
      for (const part of frame.body) pending.body.push(part);
      if (frame.more && !hasBytes) throw this.#disorder(`an empty frame of table ${table} says that more follows`);
    }
    if (frame.endOfTable) {
      if (frame.more) throw this.#disorder(`table ${table} ends within a message`);
      this.#ended.add(table);
    }
    if (!pending) return undefined;
    if (frame.more) {
      this.#pending.set(table, pending);
      return undefined;
    }
    // A frame with neither header nor body (progress, an end mark) may stand between the parts of a message.
    if (!hasBytes) {
      if (frame.endOfTable) throw this.#disorder(`table ${table} ends within a message`);
      return undefined;
    }
    this.#pending.delete(table);
    return { message: pending, table };
  }

  /** Whether an end mark of `table` was seen. */
  ended(table: number): boolean {
    return this.#ended.has(table);
  }

  /** To call when the stream has ended: throws STREAM_ORDER within a message. */
  finish(): void {
    for (const [table, { bodyLength }] of this.#pending) {
      throw this.#disorder(`it ends within a message of table ${table}, after ${bodyLength} bytes of its body`);
    }
  }

  #disorder(detail: string): Problem {
    return fail('STREAM_ORDER', { where: this.#where, detail });
  }

  #tooLarge(what: string, got: number, limit: number): Problem {
    return fail('MESSAGE_TOO_LARGE', { where: `${this.#where}, ${what}`, got, limit });
  }
}

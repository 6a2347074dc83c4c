import { fail } from '@armilla/base';
import type { CallContext, FlightMessage } from '@armilla/chassis';
import { FlightDescriptor } from '@armilla/proto';
import { MessageDecoder, type TableReader } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import { openDecoded, unlessAborted } from '../decoded-reader.js';
import { JsonFields } from './json-fields.js';

export interface UploadOptions {
  readonly call: Pick<CallContext, 'signal' | 'reserveMessages'>;
  /**
   * Reserves what the call holds; awaited before more is taken from the client, so that what it waits for holds up the sender.
   * `onTheWayBytes` are of messages that have begun to come.
   */
  readonly room: (onTheWayBytes: number) => Promise<void> | undefined;
  /** Rows to expect, where the client says so. */
  readonly rowCount?: number;
}

/** The table that a client of Flight sends, up to its half-close. */
export class FlightUpload implements Disposable {
  receivedBytes = 0;
  /** Messages that were taken. */
  #messageCount = 1;
  /** Bytes of large messages that were announced, by their number. */
  readonly #announced = new Map<number, number>();
  readonly #messages: AsyncIterator<FlightMessage>;
  #pushedBack: FlightMessage | undefined;
  #room: UploadOptions['room'] = () => undefined;

  private constructor(
    readonly descriptor: FlightDescriptor,
    /** Of the first message: a JSON object. */
    readonly options: Record<string, unknown>,
    first: FlightMessage,
    rest: AsyncIterator<FlightMessage>,
  ) {
    this.#pushedBack = first;
    this.#messages = rest;
  }

  /** Waits for the first message, which must bring the descriptor. */
  static async begin(messages: AsyncIterable<FlightMessage>): Promise<FlightUpload> {
    const rest = messages[Symbol.asyncIterator]();
    try {
      const { done, value: first } = await rest.next();
      if (done || !first.descriptor)
        throw fail('STREAM_ORDER', {
          where: 'request',
          detail: done ? 'the stream is empty' : 'its first message must bring the descriptor',
        });
      const options = JsonFields.parse(first.metadata ?? new Uint8Array(0), 'the app_metadata of the first message');
      return new FlightUpload(first.descriptor, options, first, rest);
    } catch (error) {
      leave(rest);
      throw error;
    }
  }

  /** Resolves when the schema has come. */
  open(where: string, { call, room, rowCount }: UploadOptions): Promise<TableReader> {
    const { signal } = call;
    this.#room = room;
    call.reserveMessages((byteLength, number) => {
      this.#announced.set(number, byteLength);
      return room(this.#onTheWayBytes());
    });
    const decoder = new MessageDecoder({ where });
    const wait = { signal };
    return openDecoded(where, decoder, this.#batches(where, decoder, wait), wait, { rowCount });
  }

  [Symbol.dispose](): void {
    leave(this.#messages);
  }

  /** Undefined for messages that are no batch. */
  async *#batches(
    where: string,
    decoder: MessageDecoder,
    wait: { signal: AbortSignal },
  ): AsyncGenerator<RecordBatch | undefined, void, undefined> {
    for (;;) {
      const message = await this.#next(wait.signal);
      if (!message) break;
      const { header, bodyLength, descriptor } = message;
      // Clients may send it again with the schema.
      if (descriptor && !isSame(descriptor, this.descriptor))
        throw fail('STREAM_ORDER', { where, detail: 'a second descriptor comes behind the first' });
      if (header.byteLength > 0) yield decoder.decode(message);
      else if (bodyLength > 0) throw fail('STREAM_ORDER', { where, detail: 'a body comes without a header' });
    }
    decoder.finish();
  }

  async #next(signal: AbortSignal): Promise<FlightMessage | undefined> {
    signal.throwIfAborted();
    if (this.#pushedBack) {
      const message = this.#pushedBack;
      this.#pushedBack = undefined;
      return message;
    }
    const waiting = this.#room(this.#onTheWayBytes());
    if (waiting) await waiting;
    const { done, value } = await unlessAborted(this.#messages.next(), signal);
    // The end of a stream that is reset comes before the reset.
    signal.throwIfAborted();
    if (done) return undefined;
    this.receivedBytes += value.bodyLength;
    this.#announced.delete(++this.#messageCount);
    return value;
  }

  #onTheWayBytes(): number {
    let bytes = 0;
    for (const one of this.#announced.values()) bytes += one;
    return bytes;
  }
}

/** Not awaited: a read under way ends with the call, which waits for us. */
function leave(messages: AsyncIterator<FlightMessage>): void {
  void messages.return?.();
}

function isSame(a: FlightDescriptor, b: FlightDescriptor): boolean {
  return Buffer.compare(FlightDescriptor.encode(a).finish(), FlightDescriptor.encode(b).finish()) === 0;
}

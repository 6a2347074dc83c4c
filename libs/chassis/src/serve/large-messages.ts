import { fail, isProblem, type Problem, toProblem } from '@armilla/base';
import { type ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** Reserves memory for message `number` of a call, counted from 1, before it is there; what it waits for holds up the sender. */
export type ReserveMessage = (byteLength: number, number: number) => Promise<void> | undefined;

/** Messages of up to so many bytes are taken without asking: the largest of a server that sets no other limit. */
export const FREE_MESSAGE_BYTES = 4 << 20;

/** What is used of the private side of a grpc-js call; tests hold it. */
interface DecodingCall {
  readonly stream: { pause(): void; resume(): void };
  readonly decoder: { readonly readState: number; readonly readMessageSize: number; write(data: Buffer): Buffer[] };
}

/** Within the bytes of a message, whose length is known. */
const READING_MESSAGE = 2;

/**
 * Has memory reserved for a large message when its length has come, not when all of it is there. Until the handler of the call
 * has said how (`reserveWith`), a large message waits; a call cannot begin with one.
 */
export class LargeMessages {
  readonly #call: DecodingCall;
  #reserve: ReserveMessage | undefined;
  #asked: 'no' | 'waiting' | 'granted' = 'no';
  #messageCount = 0;

  /** `refuse` ends the call. */
  constructor(
    inner: ServerInterceptingCallInterface,
    private readonly refuse: (problem: Problem) => void,
  ) {
    this.#call = inner as unknown as DecodingCall;
    const { decoder } = this.#call;
    const write = decoder.write.bind(decoder);
    decoder.write = (data) => {
      const messages = write(data);
      this.#messageCount += messages.length;
      if (messages.length > 0) this.#asked = 'no';
      this.#look();
      return messages;
    };
  }

  reserveWith(reserve: ReserveMessage): void {
    this.#reserve = reserve;
    this.#look();
  }

  #look(): void {
    const { decoder, stream } = this.#call;
    const { readState, readMessageSize: byteLength } = decoder;
    if (readState !== READING_MESSAGE || byteLength <= FREE_MESSAGE_BYTES || this.#asked === 'granted') return;
    // A reader of smaller messages before it may have let the stream go on meanwhile.
    stream.pause();
    if (this.#asked === 'waiting') return;
    if (this.#messageCount === 0) {
      this.refuse(fail('MESSAGE_TOO_LARGE', { where: 'first message', got: byteLength, limit: FREE_MESSAGE_BYTES }));
      return;
    }
    if (!this.#reserve) return;
    this.#asked = 'waiting';
    void this.#wait(this.#reserve, byteLength);
  }

  async #wait(reserve: ReserveMessage, byteLength: number): Promise<void> {
    try {
      await reserve(byteLength, this.#messageCount + 1);
      this.#asked = 'granted';
      this.#call.stream.resume();
    } catch (error) {
      this.refuse(isProblem(error) ? error : toProblem(error));
    }
  }
}

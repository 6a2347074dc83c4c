import type { Spool, SpoolFile } from './spool.js';

const MEMORY_BYTES = 4 << 20;

/**
 * Carries an upload from its socket to its reader. Ordinarily the reader's pace is the sender's. But many HTTP clients
 * read no answer before they have sent everything: once the answer is stuck (`answerStuck()`), waiting would stop both
 * sides for ever, and the rest of the upload goes to disk instead.
 */
export async function* overflow(
  source: AsyncIterable<Buffer>,
  spool: Spool,
  answerStuck: () => boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const queue = new OverflowQueue(spool, answerStuck);
  const filling = queue.fill(source);
  // The failure is thrown at the reader, from `take`.
  filling.catch(() => undefined);
  try {
    for (;;) {
      const chunk = await queue.take();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    await queue.close();
    await filling.catch(() => undefined);
  }
}

class OverflowQueue {
  readonly #memory: Buffer[] = [];
  #memoryBytes = 0;
  #file: SpoolFile | undefined;
  #fileReadBytes = 0;
  #ended = false;
  #closed = false;
  #error: unknown;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly answerStuck: () => boolean,
  ) {}

  async fill(source: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const chunk of source) {
        if (this.#closed) break;
        await this.#put(chunk);
        if (this.#closed) break;
      }
    } catch (error) {
      this.#error = error;
      throw error;
    } finally {
      this.#ended = true;
      this.#wakeReader?.();
      if (this.#closed) await this.#file?.remove();
    }
  }

  /** Undefined at the end. Chunks from disk come before later ones in memory: the file takes all once it is in use. */
  async take(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#memory.shift();
      if (chunk !== undefined) {
        this.#memoryBytes -= chunk.length;
        this.#wakeWriter?.();
        return chunk;
      }
      if (this.#file !== undefined && this.#fileReadBytes < this.#file.byteCount) {
        const read = await this.#file.read(this.#fileReadBytes);
        this.#fileReadBytes += read.length;
        return read;
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
        if (this.#ended) resolve();
      });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#memory.length = 0;
    this.#wakeWriter?.();
    if (this.#ended) await this.#file?.remove();
  }

  async #put(chunk: Buffer): Promise<void> {
    while (this.#file === undefined && this.#memoryBytes >= MEMORY_BYTES && !this.#closed) {
      if (this.answerStuck()) this.#file = await this.spool.create('overflow');
      else await this.#waitForRoom();
    }
    if (this.#closed) return;
    if (this.#file === undefined) {
      this.#memory.push(chunk);
      this.#memoryBytes += chunk.length;
    } else {
      await this.#file.append(chunk);
    }
    this.#wakeReader?.();
  }

  /** Until the reader took something, or for a moment, after which the answer may have got stuck. */
  async #waitForRoom(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 50);
      this.#wakeWriter = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeWriter = undefined;
  }
}

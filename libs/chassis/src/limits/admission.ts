import { fail, formatBytes, type Problem } from '@armilla/base';
import { abortProblem } from '../errors/abort-reason.js';

export interface AdmissionOptions {
  /** Memory that the admitted calls may plan together. */
  readonly limitBytes: number;
  /** Calls that may wait. */
  readonly queueLength: number;
  readonly waitSeconds: number;
}

/** A share of the memory limit, held until released. */
export interface Permit extends Disposable {
  readonly bytes: number;
  /**
   * Changes the share at once. Growing never waits, since two waiting holders could wait for each other: it throws
   * MEMORY_EXHAUSTED when the rest is taken, MEMORY_OVER_LIMIT when no rest would do.
   */
  resize(bytes: number): void;
  /** Gives the share back; further calls do nothing. */
  release(): void;
}

export interface AdmissionStats {
  readonly limitBytes: number;
  readonly reservedBytes: number;
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly bytes: number;
  enter(): void;
}

/**
 * Lets calls in by the memory that they plan, first come first served: a large call at the head is never overtaken, so
 * it cannot starve. The queue and the wait are bounded.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue: Waiter[] = [];
  #reservedBytes = 0;
  #running = 0;
  #permitSeconds = 1;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Waits for `bytes`. Throws MEMORY_OVER_LIMIT when they can never fit, SERVER_BUSY when the queue is full,
   * MEMORY_EXHAUSTED when the wait was too long, and why the signal aborted.
   */
  async admit(bytes: number, signal?: AbortSignal): Promise<Permit> {
    checkBytes(bytes);
    if (signal?.aborted) throw abortProblem(signal);
    const { limitBytes, queueLength } = this.#options;
    if (bytes > limitBytes) throw this.#overLimit(bytes);
    if (this.#queue.length === 0 && this.#fits(bytes)) return this.#enter(bytes);
    if (this.#queue.length >= queueLength) {
      throw fail('SERVER_BUSY', {
        running: this.#running,
        waiting: this.#queue.length,
        retry_seconds: this.#retrySeconds(),
      });
    }
    await this.#wait(bytes, signal);
    return this.#permit(bytes);
  }

  stats(): AdmissionStats {
    return {
      limitBytes: this.#options.limitBytes,
      reservedBytes: this.#reservedBytes,
      running: this.#running,
      waiting: this.#queue.length,
    };
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error?: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (error === undefined) return resolve();
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(error as Error);
        // A call that gives up at the head may have been all that held up the next.
        this.#letIn();
      };
      const onAbort = (): void => leave(signal && abortProblem(signal));
      const timer = setTimeout(() => leave(this.#exhausted(bytes)), this.#options.waitSeconds * 1000);
      signal?.addEventListener('abort', onAbort, { once: true });
      const waiter: Waiter = { bytes, enter: () => leave() };
      this.#queue.push(waiter);
    });
  }

  #letIn(): void {
    for (let next = this.#queue[0]; next && this.#fits(next.bytes); next = this.#queue[0]) {
      this.#queue.shift();
      this.#reservedBytes += next.bytes;
      this.#running++;
      next.enter();
    }
  }

  #enter(bytes: number): Permit {
    this.#reservedBytes += bytes;
    this.#running++;
    return this.#permit(bytes);
  }

  #permit(initialBytes: number): Permit {
    const startedAt = performance.now();
    let bytes = initialBytes;
    let released = false;
    const resize = (wanted: number): void => {
      checkBytes(wanted);
      if (released) throw new TypeError('resize of a released permit');
      if (wanted > this.#options.limitBytes) throw this.#overLimit(wanted);
      if (wanted > bytes && !this.#fits(wanted - bytes)) throw this.#exhausted(wanted - bytes);
      this.#reservedBytes += wanted - bytes;
      bytes = wanted;
      this.#letIn();
    };
    const release = (): void => {
      if (released) return;
      released = true;
      this.#reservedBytes -= bytes;
      this.#running--;
      bytes = 0;
      // Smoothed, so that one odd call does not send the waiting away for long.
      this.#permitSeconds += ((performance.now() - startedAt) / 1000 - this.#permitSeconds) / 4;
      this.#letIn();
    };
    return {
      get bytes() {
        return bytes;
      },
      resize,
      release,
      [Symbol.dispose]: release,
    };
  }

  #fits(bytes: number): boolean {
    return this.#reservedBytes + bytes <= this.#options.limitBytes;
  }

  /** When a place may be free again: the usual time of a call, within 1 to 60 s. */
  #retrySeconds(): number {
    return Math.min(60, Math.max(1, Math.ceil(this.#permitSeconds)));
  }

  #exhausted(bytes: number): Problem {
    const { limitBytes } = this.#options;
    return fail('MEMORY_EXHAUSTED', {
      needed: formatBytes(bytes),
      available: formatBytes(limitBytes - this.#reservedBytes),
      limit: formatBytes(limitBytes),
      retry_seconds: this.#retrySeconds(),
    });
  }

  #overLimit(bytes: number): Problem {
    return fail('MEMORY_OVER_LIMIT', { needed: formatBytes(bytes), limit: formatBytes(this.#options.limitBytes) });
  }
}

function checkBytes(bytes: number): void {
  if (!(Number.isFinite(bytes) && bytes >= 0))
    throw new RangeError(`planned bytes must be a number >= 0, got ${bytes}`);
}

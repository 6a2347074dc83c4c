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
   * Raises the share to `bytes`, waiting for others to give back theirs; at once where there is room or nothing to raise.
   * Only the oldest holder may raise its share into the second half of the limit: holders that all grow bit by bit would
   * fill it together, and none could end. Throws MEMORY_OVER_LIMIT when it can never fit, MEMORY_EXHAUSTED when the wait was too
   * long or all that hold a share wait for more and this is the youngest, and why the signal aborted.
   */
  grow(bytes: number, signal?: AbortSignal): Promise<void> | undefined;
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

/** A holder that waits for more. */
interface Grower extends Waiter {
  /** Permits are numbered as they are given. */
  readonly number: number;
  refuse(error: Problem): void;
}

/**
 * Lets calls in by the memory that they plan, first come first served: a large call at the head is never overtaken, so
 * it cannot starve. The queue and the wait are bounded.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #queue: Waiter[] = [];
  /** Oldest first. */
  readonly #growers: Grower[] = [];
  /** Numbers of the permits that are held, oldest first. */
  readonly #held = new Set<number>();
  #permitCount = 0;
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
    if (this.#queue.length === 0 && this.#growers.length === 0 && this.#fits(bytes)) return this.#enter(bytes);
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

  #waitToGrow(bytes: number, number: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (error?: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        const at = this.#growers.indexOf(grower);
        if (at >= 0) this.#growers.splice(at, 1);
        if (error === undefined) resolve();
        else reject(error as Error);
      };
      const onAbort = (): void => leave(signal && abortProblem(signal));
      const timer = setTimeout(() => leave(this.#exhausted(bytes)), this.#options.waitSeconds * 1000);
      signal?.addEventListener('abort', onAbort, { once: true });
      const grower: Grower = { bytes, number, enter: () => leave(), refuse: leave };
      const before = this.#growers.findIndex((other) => other.number > number);
      this.#growers.splice(before < 0 ? this.#growers.length : before, 0, grower);
      this.#letIn();
    });
  }

  /** Those inside first: what they wait for lets them end. */
  #letIn(): void {
    for (let next = this.#growers[0]; next && this.#mayGrow(next.bytes, next.number); next = this.#growers[0]) {
      this.#growers.shift();
      this.#reservedBytes += next.bytes;
      next.enter();
    }
    if (this.#growers.length > 0) {
      // Nobody would give anything back.
      if (this.#growers.length === this.#running) {
        const youngest = this.#growers.pop() as Grower;
        youngest.refuse(this.#exhausted(youngest.bytes));
      }
      return;
    }
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
    const number = this.#permitCount++;
    this.#held.add(number);
    const grow = (wanted: number, signal?: AbortSignal): Promise<void> | undefined => {
      checkBytes(wanted);
      if (released) throw new TypeError('grow of a released permit');
      if (wanted <= bytes) return undefined;
      if (wanted > this.#options.limitBytes) throw this.#overLimit(wanted);
      const more = wanted - bytes;
      if (this.#growers.length === 0 && this.#mayGrow(more, number)) {
        this.#reservedBytes += more;
        bytes = wanted;
        return undefined;
      }
      return this.#waitToGrow(more, number, signal).then(() => {
        bytes = wanted;
      });
    };
    const release = (): void => {
      if (released) return;
      released = true;
      this.#reservedBytes -= bytes;
      this.#running--;
      this.#held.delete(number);
      bytes = 0;
      // Smoothed, so that one odd call does not send the waiting away for long.
      this.#permitSeconds += ((performance.now() - startedAt) / 1000 - this.#permitSeconds) / 4;
      this.#letIn();
    };
    return {
      get bytes() {
        return bytes;
      },
      grow,
      release,
      [Symbol.dispose]: release,
    };
  }

  #fits(bytes: number): boolean {
    return this.#reservedBytes + bytes <= this.#options.limitBytes;
  }

  #mayGrow(bytes: number, number: number): boolean {
    const [oldest] = this.#held;
    return this.#fits(number === oldest ? bytes : bytes + this.#options.limitBytes / 2);
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

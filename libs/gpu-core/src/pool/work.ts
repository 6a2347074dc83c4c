import { fail, reviveProblem, whenAborted } from '@armilla/base';
import type { Heap, Lease } from '../memory/heap.js';
import '../memory/webassembly.js';
import { CONTROL, type CallMessage, type KernelMessage, type Reply } from './messages.js';

/** Something that the pool hands to its workers, a slice at a time. */
export interface Work {
  readonly id: number;
  /** Works of one key take turns as one. */
  readonly fairKey: object;
  /** Whether a free worker would find something to do now. */
  readonly ready: boolean;
  /** Nothing is left and nothing runs: the pool forgets the work. */
  readonly settled: boolean;
  /** Called when a worker starts a slice. */
  start(): void;
  /** Called when the slice ends. */
  end(reply: Reply): void;
}

let lastWork = 0;

/** One exported function of a compiled module. */
export interface Kernel {
  readonly id: number;
  /** Of its folder: "matmul"; its functions are in profiles as "matmul.multiplyF32". */
  readonly name: string;
  readonly module: WebAssembly.Module;
}

export interface PhaseOptions {
  readonly heap: Heap;
  readonly kernel: Kernel;
  /** The exported function: (params, item, control, slot). */
  readonly name: string;
  /** Address of its parameters in the heap. */
  readonly params: number;
  readonly itemCount: number;
  /** Items that may start at once; `release` adds more. All by default. */
  readonly releasedCount?: number;
  readonly workerCount?: number;
  readonly fairKey?: object;
  readonly signal?: AbortSignal;
}

/**
 * A parallel loop over items [0, itemCount) in wasm. `done` settles only when no worker runs it any more, so the
 * memory may be given back then, whatever the outcome.
 */
export class Phase implements Work {
  readonly id = ++lastWork;
  readonly fairKey: object;
  readonly done: Promise<void>;
  readonly #control: Lease;
  readonly #listening: Disposable;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #runningCount = 0;
  #doneCount = 0;
  #error: unknown;
  #stopped = false;
  #settled = false;

  constructor(
    readonly options: PhaseOptions,
    private readonly wake: () => void,
  ) {
    this.fairKey = options.fairKey ?? this;
    this.#control = options.heap.lease(CONTROL.byteLength, 'phase.control');
    const slots = this.#slots();
    Atomics.store(slots, CONTROL.next, 0);
    Atomics.store(slots, CONTROL.cancel, 0);
    Atomics.store(slots, CONTROL.released, options.releasedCount ?? options.itemCount);
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // The owner awaits `done` when it is ready to; a failure before that is no unhandled one.
    this.done.catch(() => undefined);
    const { signal } = options;
    const onAbort = (): void => this.stop(signal?.reason ?? fail('CANCELLED'));
    this.#listening = whenAborted(signal, onAbort);
    if (signal?.aborted) onAbort();
    this.#settleIfOver();
  }

  get ready(): boolean {
    if (this.#settled || this.#stopped || this.#runningCount >= (this.options.workerCount ?? Infinity)) return false;
    const slots = this.#slots();
    return Atomics.load(slots, CONTROL.next) < Atomics.load(slots, CONTROL.released);
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Items [0, count) may start. */
  release(count: number): void {
    if (this.#settled) return;
    Atomics.store(this.#slots(), CONTROL.released, count);
    this.wake();
  }

  stop(error: unknown): void {
    if (this.#settled) return;
    this.#error ??= error;
    this.#stopped = true;
    Atomics.store(this.#slots(), CONTROL.cancel, 1);
    this.#settleIfOver();
  }

  message(slot: number): Omit<KernelMessage, 'module' | 'memory'> {
    const { kernel, heap, name, params } = this.options;
    return {
      kind: 'kernel',
      work: this.id,
      kernelId: kernel.id,
      heapId: heap.id,
      name,
      params,
      control: this.#control.offset,
      slot,
    };
  }

  start(): void {
    this.#runningCount++;
  }

  end(reply: Reply): void {
    this.#runningCount--;
    this.#doneCount += reply.itemCount ?? 0;
    if (reply.problem !== undefined) this.stop(reviveProblem(reply.problem));
    this.#settleIfOver();
  }

  #settleIfOver(): void {
    if (this.#settled || this.#runningCount > 0) return;
    if (!this.#stopped && this.#doneCount < this.options.itemCount) return;
    this.#settled = true;
    this.#listening[Symbol.dispose]();
    this.#control[Symbol.dispose]();
    if (this.#stopped) this.#reject(this.#error);
    else this.#resolve();
  }

  #slots(): Int32Array {
    return new Int32Array(this.options.heap.buffer, this.#control.offset, CONTROL.byteLength / 4);
  }
}

/** One call of a JavaScript function in a worker. */
export class FunctionCall implements Work {
  readonly id = ++lastWork;
  readonly fairKey: object;
  readonly done: Promise<unknown>;
  readonly #listening: Disposable;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;
  #started = false;
  #settled = false;

  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly args: readonly unknown[],
    readonly transfer: readonly ArrayBuffer[],
    fairKey: object | undefined,
    signal: AbortSignal | undefined,
  ) {
    this.fairKey = fairKey ?? this;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#listening = whenAborted(signal, () => this.#settle(() => this.#reject(signal?.reason)));
  }

  get ready(): boolean {
    return !this.#started && !this.#settled;
  }

  get settled(): boolean {
    return this.#settled;
  }

  start(): void {
    this.#started = true;
  }

  message(): CallMessage {
    return { kind: 'call', work: this.id, url: this.url, name: this.name, args: this.args };
  }

  end(reply: Reply): void {
    this.#settle(() =>
      reply.problem === undefined ? this.#resolve(reply.value) : this.#reject(reviveProblem(reply.problem)),
    );
  }

  stop(error: unknown): void {
    this.#settle(() => this.#reject(error));
  }

  #settle(outcome: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#listening[Symbol.dispose]();
    outcome();
  }
}

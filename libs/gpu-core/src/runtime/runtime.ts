import { machineLimits } from './machine-limits.js';

export interface RuntimeOptions {
  readonly workerCount?: number;
  readonly memoryLimitBytes?: number;
}

export interface CallOptions {
  readonly transfer?: ArrayBuffer[];
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

export interface RuntimeStats {
  readonly workerCount: number;
  readonly heapBytes: number;
  readonly liveHeaps: number;
  readonly queuedTasks: number;
  readonly cellsDone: number;
}

/** Owns what computes in this process; one per process. */
export class Runtime implements AsyncDisposable {
  private constructor(
    readonly workerCount: number,
    readonly memoryLimitBytes: number,
  ) {}

  static async create(options: RuntimeOptions = {}): Promise<Runtime> {
    const limits = machineLimits();
    return new Runtime(options.workerCount ?? limits.coreCount, options.memoryLimitBytes ?? limits.memoryBytes);
  }

  /** Runs the exported function `name` of the module at `url`. */
  async call<T>(url: string | URL, name: string, args: unknown[], options: CallOptions = {}): Promise<T> {
    options.signal?.throwIfAborted();
    const module = (await import(String(url))) as Record<string, (...given: unknown[]) => T>;
    return module[name](...args);
  }

  stats(): RuntimeStats {
    return { workerCount: this.workerCount, heapBytes: 0, liveHeaps: 0, queuedTasks: 0, cellsDone: 0 };
  }

  async close(): Promise<void> {
    // Nothing runs outside of calls.
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

import { fail, formatBytes } from '@armilla/base';
import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { machineLimits } from '../machine/limits.js';
import { Heap } from '../memory/heap.js';
import { collectGarbage } from '../memory/reclaim.js';
import { hasRelaxedSimd } from '../memory/webassembly.js';
import { Pool } from '../pool/pool.js';
import { FunctionCall, type Kernel, Phase, type PhaseOptions } from '../pool/work.js';
import { Profiler } from '../profile/profiler.js';

export interface RuntimeOptions {
  readonly workerCount?: number;
  readonly memoryLimitBytes?: number;
  /** Whether matrix products use multiply-adds that round once; default: where WebAssembly has them. */
  readonly relaxedSimd?: boolean;
}

export interface CallOptions {
  /** Buffers of the arguments that move to the worker. */
  readonly transfer?: ArrayBuffer[];
  readonly signal?: AbortSignal;
  /** Calls of one key share the workers as one with the calls of others. */
  readonly fairKey?: object;
}

export interface RuntimeStats {
  readonly workerCount: number;
  /** Of all heaps, and of what is leased in them. */
  readonly heapBytes: number;
  readonly leasedBytes: number;
  readonly liveHeaps: number;
  readonly queuedTasks: number;
  /** Items of parallel loops finished since the start; only grows. */
  readonly cellsDone: number;
}

/** A heap is kept for a moment after its last use: fresh pages cost a match a quarter of its time, and jobs come in rows. */
const KEEP_BYTES = 2 ** 30;
const KEEP_MS = 5000;
/** Requests up to this size share a heap. */
const SHARED_BYTES = 128 * 2 ** 20;
/** A shared heap takes no new tenants beyond this size. */
const SHARED_LIMIT_BYTES = 1024 * 2 ** 20;
/** A dropped heap of this size is worth a garbage collection at once. */
const COLLECT_BYTES = 16 * 2 ** 20;

/** One a process: owns the worker threads, the shared memory, the compiled kernels and the profiler. */
export class Runtime implements AsyncDisposable {
  /** Always on: what ran where, and how long. */
  readonly profiler = new Profiler();
  readonly #pool: Pool;
  readonly #heaps = new Map<Heap, { tenantCount: number; shared: boolean; expiry: NodeJS.Timeout | undefined }>();
  readonly #kernels = new Map<string, Kernel>();
  #closing: Promise<void> | undefined;

  private constructor(
    readonly workerCount: number,
    readonly memoryLimitBytes: number,
    readonly relaxedSimd: boolean,
  ) {
    this.#pool = new Pool(workerCount);
  }

  static create(options: RuntimeOptions = {}): Promise<Runtime> {
    const machine = machineLimits();
    const workerCount = options.workerCount ?? machine.coreCount;
    if (!Number.isInteger(workerCount) || workerCount < 1 || workerCount > 1024) {
      return Promise.reject(
        fail('OPTION_INVALID', { field: 'workerCount', expected: 'an integer in [1, 1024]', got: String(workerCount) }),
      );
    }
    const memoryLimitBytes = options.memoryLimitBytes ?? machine.memoryBytes;
    if (!(memoryLimitBytes > 0)) {
      return Promise.reject(
        fail('OPTION_INVALID', {
          field: 'memoryLimitBytes',
          expected: 'a positive number of bytes',
          got: String(memoryLimitBytes),
        }),
      );
    }
    return Promise.resolve(new Runtime(workerCount, memoryLimitBytes, options.relaxedSimd ?? hasRelaxedSimd()));
  }

  /** Runs the exported function `name` of the built module at `url` in a worker; whole ArrayBuffers of its result move. */
  call<T>(url: string | URL, name: string, args: unknown[], options: CallOptions = {}): Promise<T> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    const call = new FunctionCall(String(url), name, args, options.transfer ?? [], options.fairKey, options.signal);
    this.#pool.add(call);
    return call.done as Promise<T>;
  }

  /** Starts a parallel loop in wasm. */
  phase(options: PhaseOptions): Phase {
    const span = this.profiler.begin(`${options.kernel.name}.${options.name}`, 'wasm');
    const phase = new Phase(options, () => this.#pool.dispatch());
    const end = (): void => this.profiler.end(span);
    phase.done.then(end, end);
    this.#pool.add(phase);
    return phase;
  }

  /** Compiles the kernel at `path` once. */
  kernel(path: string): Kernel {
    let kernel = this.#kernels.get(path);
    if (kernel === undefined) {
      kernel = {
        id: this.#kernels.size + 1,
        name: basename(dirname(path)),
        module: new WebAssembly.Module(readFileSync(path)),
      };
      this.#kernels.set(path, kernel);
    }
    return kernel;
  }

  /** A heap with room for about `byteLength` (undefined: unknown, maybe much); small requests share one. Pair with `closeHeap`. */
  openHeap(byteLength: number | undefined, label: string): Heap {
    const shared = byteLength !== undefined && byteLength <= SHARED_BYTES;
    for (const [heap, state] of this.#heaps) {
      const fits = shared ? state.shared && heap.byteLength < SHARED_LIMIT_BYTES : state.tenantCount === 0;
      if (!fits) continue;
      clearTimeout(state.expiry);
      state.tenantCount++;
      state.shared = shared;
      return heap;
    }
    const heap = new Heap(label, (bytes) => this.#allow(bytes));
    this.#heaps.set(heap, { tenantCount: 1, shared, expiry: undefined });
    return heap;
  }

  /** The tenant must have given back its leases. */
  closeHeap(heap: Heap): void {
    const state = this.#heaps.get(heap);
    if (state === undefined || --state.tenantCount > 0) return;
    const idle = [...this.#heaps.values()].filter((other) => other.tenantCount === 0).length;
    if (heap.byteLength > KEEP_BYTES || heap.leaseCount > 0 || idle > 1) this.#drop(heap);
    else state.expiry = setTimeout(() => this.#drop(heap), KEEP_MS).unref();
  }

  stats(): RuntimeStats {
    let heapBytes = 0;
    let leasedBytes = 0;
    for (const heap of this.#heaps.keys()) {
      heapBytes += heap.byteLength;
      leasedBytes += heap.leasedBytes;
    }
    return {
      workerCount: this.workerCount,
      heapBytes,
      leasedBytes,
      liveHeaps: this.#heaps.size,
      queuedTasks: this.#pool.queuedCount,
      cellsDone: this.#pool.itemsDone,
    };
  }

  /** Ends running work with DRAINING, the workers and the memory. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#pool.close();
    for (const [heap, state] of this.#heaps) {
      clearTimeout(state.expiry);
      if (state.tenantCount === 0) this.#drop(heap);
    }
  }

  #drop(heap: Heap): void {
    const { byteLength } = heap;
    this.#heaps.delete(heap);
    heap.drop();
    const collect = byteLength >= COLLECT_BYTES;
    this.#pool.dropHeap(heap.id, collect);
    if (collect) setImmediate(collectGarbage);
  }

  #allow(bytes: number): void {
    if (this.stats().heapBytes + bytes <= this.memoryLimitBytes) return;
    for (const [heap, state] of this.#heaps) {
      if (state.tenantCount > 0) continue;
      clearTimeout(state.expiry);
      this.#drop(heap);
    }
    const { heapBytes } = this.stats();
    if (heapBytes + bytes <= this.memoryLimitBytes) return;
    let tenantCount = 0;
    for (const state of this.#heaps.values()) tenantCount += state.tenantCount;
    // Where nobody else holds anything, no later try would find more.
    if (bytes > this.memoryLimitBytes || tenantCount <= 1)
      throw fail('MEMORY_OVER_LIMIT', {
        needed: formatBytes(heapBytes + bytes),
        limit: formatBytes(this.memoryLimitBytes),
      });
    throw fail('MEMORY_EXHAUSTED', {
      needed: formatBytes(bytes),
      available: formatBytes(Math.max(0, this.memoryLimitBytes - heapBytes)),
      limit: formatBytes(this.memoryLimitBytes),
    });
  }
}

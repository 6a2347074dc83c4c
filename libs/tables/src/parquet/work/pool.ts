import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fail, type ProblemJson, reviveProblem } from '@armilla/base';
import type { Ordered } from '../pick/order.js';
import type { ColumnValues } from '../format/leaf.js';
import type { EncodedColumn } from '../write/chunk.js';
import type { PickTask } from '../pick/task.js';
import { type DecodeTask, type EncodeTask, type OrderTask, type ParquetTask, ROLE } from './tasks.js';

interface Job {
  readonly task: ParquetTask;
  readonly signal: AbortSignal;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

interface Reply {
  readonly result?: unknown;
  readonly problem?: ProblemJson;
}

/** Threads wait this long for the next reader or writer before they end. */
const IDLE_MS = 500;
const MAX_WORKERS = 16;

/** Worker threads that decode and encode columns; all readers and writers of the process share them. */
export class ParquetPool {
  static readonly #shared = new ParquetPool();
  #users = 0;
  #wanted = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  readonly #queue: Job[] = [];
  readonly #workers = new Map<Worker, Job | undefined>();

  /** The pool with at least `workerCount` threads; to be released as often as it was acquired. */
  static acquire(workerCount: number): ParquetPool {
    const pool = ParquetPool.#shared;
    clearTimeout(pool.#idleTimer);
    pool.#users++;
    pool.#wanted = Math.min(MAX_WORKERS, Math.max(pool.#wanted, workerCount));
    return pool;
  }

  static defaultWorkerCount(): number {
    return Math.min(MAX_WORKERS, availableParallelism());
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#idleTimer = setTimeout(() => {
      for (const worker of this.#workers.keys()) void worker.terminate();
      this.#workers.clear();
      this.#wanted = 0;
    }, IDLE_MS).unref();
  }

  /** Runs a task in a thread; one that was aborted before its turn is not begun. */
  run(task: DecodeTask, signal: AbortSignal): Promise<ColumnValues[]>;
  run(task: EncodeTask, signal: AbortSignal): Promise<EncodedColumn[]>;
  run(task: PickTask, signal: AbortSignal): Promise<EncodedColumn>;
  run(task: OrderTask, signal: AbortSignal): Promise<Ordered>;
  run(task: ParquetTask, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ task, signal, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idleWorker();
      if (!worker) return;
      const job = this.#queue.shift() as Job;
      if (job.signal.aborted) {
        job.reject(job.signal.reason);
        continue;
      }
      this.#workers.set(worker, job);
      worker.ref(); // the process must not end while a task runs
      worker.postMessage(job.task);
    }
  }

  #idleWorker(): Worker | undefined {
    for (const [worker, job] of this.#workers) if (!job) return worker;
    return this.#workers.size < this.#wanted ? this.#start() : undefined;
  }

  #start(): Worker {
    const worker = new Worker(createRequire(import.meta.url).resolve('@armilla/tables/parquet-worker'), {
      workerData: { role: ROLE },
      name: 'parquet',
    });
    this.#workers.set(worker, undefined);
    worker.unref();
    worker.on('message', (reply: Reply) => {
      const job = this.#workers.get(worker);
      this.#workers.set(worker, undefined);
      worker.unref();
      if (reply.problem) job?.reject(reviveProblem(reply.problem));
      else job?.resolve(reply.result);
      this.#dispatch();
    });
    worker.on('error', (error) => this.#lost(worker, error));
    worker.on('exit', (code) => this.#lost(worker, new Error(`a Parquet thread ended with code ${code}`)));
    return worker;
  }

  #lost(worker: Worker, error: Error): void {
    const job = this.#workers.get(worker);
    this.#workers.delete(worker);
    job?.reject(fail('INTERNAL', { detail: error.message }, { cause: error }));
    this.#dispatch();
  }
}

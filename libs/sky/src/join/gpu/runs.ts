import type { Heap, Lease, PhaseOptions, Runtime } from '@armilla/gpu-core';
import { TASK } from '../layout.js';
import { joinKernel } from '../wasm-index.js';
import { ARRANGE, ARRANGE_SCRATCH_BYTES, ARRANGE_SCRATCH_ROW_BYTES, BALL_BYTES } from './layout.js';

/** Records in a heap, in tasks that one worker takes at a time. */
export interface TaskRecords {
  readonly runtime: Runtime;
  readonly heap: Heap;
  /** Address of the records. */
  readonly records: number;
  readonly recordCount: number;
  /** Address of structures TASK, one behind the other, which hold all records. */
  readonly tasks: number;
  readonly taskCount: number;
}

export type PhaseRules = Pick<PhaseOptions, 'signal' | 'fairKey' | 'workerCount'>;

export interface RunOptions extends PhaseRules {
  /** Places of a run at most. */
  readonly most: number;
  /** Bytes of a row of the device: its offset comes first. */
  readonly stride: number;
  /** Left rows have a place each. */
  readonly side: 'left' | 'right';
  /** Of a table with itself: which right row is left row 0, and the places that right rows have alone. */
  readonly self?: { readonly firstRow: number; readonly lonePlaces: number; readonly rowCount: number };
}

/**
 * Records along a curve, one stretch of it a task, cut into runs of half to all of `most` places (the last of a task may have
 * fewer): balls about the unit vectors of their rows, and the rows as f32 offsets from the centres. All of it lies in the heap.
 */
export class Runs implements Disposable {
  readonly #leases: Lease[] = [];
  /** Addresses; layout.as.ts says what lies there. */
  readonly balls: number;
  readonly endsAt: number;
  readonly order: number;
  readonly firstRecords: number;
  readonly ranks: number;
  readonly #offsets: Lease;
  readonly #counts: Lease;
  readonly #least: number;
  runCount = 0;
  placeCount = 0;

  private constructor(
    private readonly of: TaskRecords,
    private readonly options: RunOptions,
  ) {
    const { recordCount, taskCount } = of;
    const right = options.side === 'right';
    this.#least = Math.ceil(options.most / 2);
    const mostRuns = Math.floor(recordCount / this.#least) + taskCount;
    this.balls = this.#keep(mostRuns * BALL_BYTES, 'balls').offset;
    this.endsAt = this.#keep(mostRuns * 4, 'ends').offset;
    this.order = right ? this.#keep(recordCount * 4, 'order').offset : 0;
    this.firstRecords = right ? this.#keep((recordCount + 1) * 4, 'first-records').offset : 0;
    this.ranks = right ? 0 : this.#keep(recordCount * 4, 'ranks').offset;
    this.#offsets = this.#keep(recordCount * options.stride, 'offsets');
    this.#counts = this.#keep(taskCount * 8, 'counts');
  }

  static async lay(of: TaskRecords, options: RunOptions): Promise<Runs> {
    const runs = new Runs(of, options);
    try {
      await runs.#lay();
      return runs;
    } catch (error) {
      runs[Symbol.dispose]();
      throw error;
    }
  }

  /** [runs] place after each; a view. */
  get ends(): Int32Array {
    return new Int32Array(this.of.heap.buffer, this.endsAt, this.runCount);
  }

  /** Offsets of places [from, to), as the device takes them; a view. */
  rows(from: number, to: number): Uint8Array {
    const { stride } = this.options;
    return new Uint8Array(this.of.heap.buffer, this.#offsets.offset + from * stride, (to - from) * stride);
  }

  /** Gives back what only the device needs, once it has it. */
  releaseRows(): void {
    this.#offsets[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    for (const lease of this.#leases) lease[Symbol.dispose]();
  }

  #keep(bytes: number, label: string): Lease {
    const lease = this.of.heap.lease(bytes, `sky.device.${label}`);
    this.#leases.push(lease);
    return lease;
  }

  async #lay(): Promise<void> {
    const { runtime, heap, records, tasks, taskCount } = this.of;
    const { most, stride, self, signal, fairKey, workerCount } = this.options;
    const scratchStride = ARRANGE_SCRATCH_BYTES + ARRANGE_SCRATCH_ROW_BYTES * this.#largestTask();
    using scratch = heap.lease(scratchStride * runtime.workerCount, 'sky.device.scratch');
    using params = heap.lease(ARRANGE.bytes, 'sky.device.params');
    const words = new Uint32Array(heap.buffer, params.offset, ARRANGE.bytes / 4);
    words[ARRANGE.tasks / 4] = tasks;
    words[ARRANGE.records / 4] = records;
    words[ARRANGE.order / 4] = this.order;
    words[ARRANGE.firstRecords / 4] = this.firstRecords;
    words[ARRANGE.ranks / 4] = this.ranks;
    words[ARRANGE.offsets / 4] = this.#offsets.offset;
    words[ARRANGE.stride / 4] = stride;
    words[ARRANGE.ends / 4] = this.endsAt;
    words[ARRANGE.balls / 4] = this.balls;
    words[ARRANGE.counts / 4] = this.#counts.offset;
    words[ARRANGE.most / 4] = most;
    words[ARRANGE.scratch / 4] = scratch.offset;
    words[ARRANGE.scratchStride / 4] = scratchStride;
    words[ARRANGE.lonePlaces / 4] = self?.lonePlaces ?? 0;
    words[ARRANGE.loneCount / 4] = self?.rowCount ?? 0;
    words[ARRANGE.selfFirst / 4] = self?.firstRow ?? 0;
    const kernel = joinKernel(runtime);
    await runtime.phase({
      heap,
      kernel,
      name: 'arrange',
      params: params.offset,
      itemCount: taskCount,
      signal,
      fairKey,
      workerCount,
    }).done;
    this.#closeGaps();
  }

  #tasks(): Int32Array {
    return new Int32Array(this.of.heap.buffer, this.of.tasks, (this.of.taskCount * TASK.bytes) / 4);
  }

  #largestTask(): number {
    const tasks = this.#tasks();
    let largest = 0;
    for (let at = 0; at < tasks.length; at += TASK.bytes / 4)
      largest = Math.max(largest, tasks[at + TASK.to / 4] - tasks[at + TASK.from / 4]);
    return largest;
  }

  /** Each task has written where its runs and places would begin if those before had as many as they can have. */
  #closeGaps(): void {
    const { heap, recordCount, taskCount } = this.of;
    const { stride } = this.options;
    const tasks = this.#tasks();
    const counts = new Int32Array(heap.buffer, this.#counts.offset, 2 * taskCount);
    const mostRuns = Math.floor(recordCount / this.#least) + taskCount;
    const ends = new Int32Array(heap.buffer, this.endsAt, mostRuns);
    const balls = new Uint8Array(heap.buffer, this.balls, mostRuns * BALL_BYTES);
    const rows = new Uint8Array(heap.buffer, this.#offsets.offset, recordCount * stride);
    const firsts = this.firstRecords ? new Int32Array(heap.buffer, this.firstRecords, recordCount + 1) : undefined;
    let run = 0;
    let place = 0;
    for (let task = 0; task < taskCount; task++) {
      const from = tasks[(task * TASK.bytes + TASK.from) / 4];
      const fromRun = Math.floor(from / this.#least) + task;
      const [runCount, placeCount] = [counts[2 * task], counts[2 * task + 1]];
      if (fromRun > run) {
        ends.copyWithin(run, fromRun, fromRun + runCount);
        balls.copyWithin(run * BALL_BYTES, fromRun * BALL_BYTES, (fromRun + runCount) * BALL_BYTES);
      }
      if (from > place) {
        for (let i = run; i < run + runCount; i++) ends[i] -= from - place;
        rows.copyWithin(place * stride, from * stride, (from + placeCount) * stride);
        firsts?.copyWithin(place, from, from + placeCount);
      }
      run += runCount;
      place += placeCount;
    }
    if (firsts) firsts[place] = recordCount;
    this.runCount = run;
    this.placeCount = place;
  }
}

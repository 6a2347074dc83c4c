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
  /** Addresses; layout.as.ts says what lies there. */
  readonly balls: number;
  readonly endsAt: number;
  readonly order: number;
  readonly firstRecords: number;
  readonly ranks: number;
  readonly #kept: Lease;
  readonly #least: number;
  readonly #mostRuns: number;
  #rows: Lease | undefined;
  runCount = 0;
  placeCount = 0;

  private constructor(
    private readonly of: TaskRecords,
    private readonly options: RunOptions,
  ) {
    const { heap, recordCount, taskCount } = of;
    const right = options.side === 'right';
    this.#least = Math.ceil(options.most / 2);
    this.#mostRuns = Math.floor(recordCount / this.#least) + taskCount;
    const runBytes = this.#mostRuns * (BALL_BYTES + 4);
    this.#kept = heap.lease(runBytes + 4 * (right ? 2 * recordCount + 1 : recordCount), 'sky.device.runs');
    this.balls = this.#kept.offset;
    this.endsAt = this.balls + this.#mostRuns * BALL_BYTES;
    const byRecord = this.endsAt + this.#mostRuns * 4;
    this.order = right ? byRecord : 0;
    this.firstRecords = right ? byRecord + 4 * recordCount : 0;
    this.ranks = right ? 0 : byRecord;
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
    if (this.#rows === undefined) throw new TypeError('the rows of these runs have been given back');
    return new Uint8Array(this.of.heap.buffer, this.#rows.offset + from * stride, (to - from) * stride);
  }

  /** Gives back what only the device needs, once it has it. */
  releaseRows(): void {
    this.#rows?.[Symbol.dispose]();
    this.#rows = undefined;
  }

  [Symbol.dispose](): void {
    this.releaseRows();
    this.#kept[Symbol.dispose]();
  }

  async #lay(): Promise<void> {
    const { runtime, heap, records, recordCount, tasks, taskCount } = this.of;
    const { most, stride, self, signal, fairKey, workerCount } = this.options;
    const scratchStride = ARRANGE_SCRATCH_BYTES + ARRANGE_SCRATCH_ROW_BYTES * this.#largestTask();
    this.#rows = heap.lease(recordCount * stride, 'sky.device.rows');
    using counts = heap.lease(taskCount * 8, 'sky.device.counts');
    using scratch = heap.lease(scratchStride * runtime.workerCount, 'sky.device.scratch');
    using params = heap.lease(ARRANGE.bytes, 'sky.device.params');
    const words = new Uint32Array(heap.buffer, params.offset, ARRANGE.bytes / 4);
    words[ARRANGE.tasks / 4] = tasks;
    words[ARRANGE.records / 4] = records;
    words[ARRANGE.order / 4] = this.order;
    words[ARRANGE.firstRecords / 4] = this.firstRecords;
    words[ARRANGE.ranks / 4] = this.ranks;
    words[ARRANGE.offsets / 4] = this.#rows.offset;
    words[ARRANGE.stride / 4] = stride;
    words[ARRANGE.ends / 4] = this.endsAt;
    words[ARRANGE.balls / 4] = this.balls;
    words[ARRANGE.counts / 4] = counts.offset;
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
    this.#closeGaps(new Int32Array(heap.buffer, counts.offset, 2 * taskCount));
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
  #closeGaps(counts: Int32Array): void {
    const { heap, recordCount, taskCount } = this.of;
    const { stride } = this.options;
    const tasks = this.#tasks();
    const ends = new Int32Array(heap.buffer, this.endsAt, this.#mostRuns);
    const balls = new Uint8Array(heap.buffer, this.balls, this.#mostRuns * BALL_BYTES);
    const rows = this.rows(0, recordCount);
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

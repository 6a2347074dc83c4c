import type { Heap, Lease } from '@armilla/gpu-core';
import { JOIN, TASK } from '../layout.js';
import { mostOfOnePlace, type PairQuery } from '../query.js';
import { joinKernel } from '../wasm-index.js';
import type { JoinTasks } from '../join-tasks.js';
import type { Answer } from './candidate-jobs.js';
import type { DeviceIndex } from './device-index.js';
import { joinProgram, wordOf } from './join-program.js';
import { DECIDE, FOUND_PART } from './layout.js';
import { firstRowOf, type LeftChunk } from './match-plan.js';
import type { PhaseRules, Runs } from './runs.js';

/** The candidates of a chunk in one part of the index. */
export interface PartAnswers {
  readonly firstPlace: number;
  /** By left row. */
  readonly answers: readonly Answer[];
}

/** Has workers hold the candidates of chunks, one after the other, against the one expression. */
export class Decision implements Disposable {
  readonly #params: Lease;
  /** Left rows before the end of each task. */
  readonly #taskEnds: Int32Array;
  #firstTask = 0;
  #distanceCount = 0;

  constructor(
    private readonly index: DeviceIndex,
    private readonly left: Runs,
    private readonly join: JoinTasks,
    private readonly query: PairQuery,
    private readonly rules: PhaseRules,
  ) {
    const { heap } = index.host;
    this.#params = heap.lease(DECIDE.bytes, 'sky.device.params');
    const tasks = new Int32Array(heap.buffer, join.tasks, (join.taskCount * TASK.bytes) / 4);
    this.#taskEnds = Int32Array.from({ length: join.taskCount }, (_, task) => tasks[(task * TASK.bytes + TASK.to) / 4]);
    new Uint32Array(heap.buffer, join.params, JOIN.bytes / 4)[JOIN.answers / 4] = this.#params.offset;
  }

  /** Chunks have to come in the order of the plan. Throws MAX_PAIRS_EXCEEDED. */
  async decide(chunk: LeftChunk, parts: readonly PartAnswers[]): Promise<void> {
    const { index, left, join, query, rules } = this;
    const { runtime, heap } = index.host;
    const from = firstRowOf(left.ends, chunk.firstBlock);
    const to = firstRowOf(left.ends, chunk.endBlock);
    using answered = this.#copyIn(from, to, parts);
    while (this.#taskEnds[this.#firstTask] <= from) this.#firstTask++;
    let endTask = this.#firstTask + 1;
    while (this.#taskEnds[endTask - 1] < to) endTask++;
    const words = new Uint32Array(heap.buffer, this.#params.offset, DECIDE.bytes / 4);
    words[DECIDE.firstTask / 4] = this.#firstTask;
    words[DECIDE.from / 4] = from;
    words[DECIDE.to / 4] = to;
    words[DECIDE.ranks / 4] = left.ranks;
    words[DECIDE.rightRecords / 4] = index.records;
    words[DECIDE.order / 4] = index.cells.order;
    words[DECIDE.firstRecords / 4] = index.cells.firstRecords;
    words[DECIDE.mostOfPlace / 4] = Math.min(mostOfOnePlace(query), 2 ** 31 - 1);
    words[DECIDE.parts / 4] = answered.offset;
    words[DECIDE.partCount / 4] = parts.length;
    await runtime.phase({
      heap,
      kernel: joinKernel(runtime),
      name: 'decide',
      params: join.params,
      itemCount: endTask - this.#firstTask,
      ...rules,
    }).done;
    this.#distanceCount += chunk.distanceCount;
    new BigInt64Array(heap.buffer, join.params, JOIN.bytes / 8)[JOIN.candidates / 8] = BigInt(this.#distanceCount);
    join.checkPairs();
  }

  /** The table of parts, and behind it what was found in each. */
  #copyIn(from: number, to: number, parts: readonly PartAnswers[]): Lease {
    const { heap } = this.index.host;
    const foundBytes = (to - from) * joinProgram().found.byteLength;
    const counts = parts.map(({ answers }) => answers.reduce((sum, { candidates }) => sum + candidates.length, 0));
    const tableBytes = parts.length * FOUND_PART.bytes;
    const bytes = counts.reduce((sum, count) => sum + foundBytes + 4 * count, tableBytes);
    const lease = heap.lease(bytes, 'sky.device.answers');
    let at = lease.offset + tableBytes;
    for (const [part, { firstPlace, answers }] of parts.entries()) {
      const words = new Uint32Array(heap.buffer, lease.offset + part * FOUND_PART.bytes, FOUND_PART.bytes / 4);
      words[FOUND_PART.found / 4] = at;
      words[FOUND_PART.candidates / 4] = at + foundBytes;
      words[FOUND_PART.firstPlace / 4] = firstPlace;
      copyAnswers(heap, answers, from, at, at + foundBytes);
      at += foundBytes + 4 * counts[part];
    }
    return lease;
  }

  [Symbol.dispose](): void {
    this.#params[Symbol.dispose]();
  }
}

/** Brings the answers of left rows from `firstRow` on together in the heap. */
function copyAnswers(
  heap: Heap,
  answers: readonly Answer[],
  firstRow: number,
  foundAt: number,
  candidatesAt: number,
): void {
  const { found: layout } = joinProgram();
  const stride = layout.byteLength / 4;
  let candidateCount = 0;
  for (const { firstRow: from, found, candidates } of answers) {
    const rows = new Uint32Array(heap.buffer, foundAt + (from - firstRow) * layout.byteLength, found.length);
    rows.set(found);
    // The candidates of later answers go behind those of the first.
    if (candidateCount > 0)
      for (let at = wordOf(layout, 'first'); at < rows.length; at += stride) rows[at] += candidateCount;
    new Uint32Array(heap.buffer, candidatesAt + 4 * candidateCount, candidates.length).set(candidates);
    candidateCount += candidates.length;
  }
}

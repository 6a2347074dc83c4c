import { fail, isProblem, type Problem } from '@armilla/base';
import type { Device, Execution, Heap, JobBuffer } from '@armilla/gpu-core';
import { BLOCK_ROWS, DISAGREES, joinProgram, wordOf } from './join-program.js';
import { firstRowOf, type LeftChunk, type PartVisits } from './match-plan.js';
import type { Runs } from './runs.js';

export interface CandidateJobsOptions extends Pick<Execution, 'tenant' | 'maxWaitMs' | 'onHalved'> {
  /** Nearest right rows wanted of each left row, 0: all within the radius. */
  readonly wanted: number;
  /** Bytes of the candidates of one job at most, unless a single left row has more. */
  readonly candidateBytes: number;
  readonly signal: AbortSignal;
}

/** Candidates of left rows [firstRow, endRow), in the order of the curve. */
export interface Answer {
  readonly firstRow: number;
  readonly endRow: number;
  /** [rows] structures Found. */
  readonly found: Uint32Array;
  /** Places, counted from the first of the part. */
  readonly candidates: Uint32Array;
}

/** Asks a device for the candidates of left rows, in pieces that its memory and the room for candidates allow. */
export class CandidateJobs {
  /** Room for candidates, by left row. */
  #perRow: number;

  constructor(
    private readonly device: Device,
    private readonly heap: Heap,
    private readonly options: CandidateJobsOptions,
  ) {
    this.#perRow = 1.25 * Math.max(1, options.wanted);
  }

  /** By left row. Throws what the device throws, and KERNEL_MISMATCH. */
  candidates(left: Runs, chunk: LeftChunk, visits: PartVisits): Promise<Answer[]> {
    const { ends } = left;
    return this.#rows(left, chunk, visits, firstRowOf(ends, chunk.firstBlock), firstRowOf(ends, chunk.endBlock));
  }

  async #rows(left: Runs, chunk: LeftChunk, visits: PartVisits, from: number, to: number): Promise<Answer[]> {
    const rowCount = to - from;
    const most = Math.max(1, Math.floor(this.options.candidateBytes / 4));
    let capacity = Math.min(most, Math.ceil(rowCount * this.#perRow) + BLOCK_ROWS);
    for (let attempt = 0; ; attempt++) {
      let result: { answer: Answer; total: number };
      try {
        result = await this.#run(left, chunk, visits, from, to, capacity);
      } catch (error) {
        if (rowCount === 1 || !isProblem(error) || !error.reason.startsWith('MEMORY_')) throw error;
        this.options.onHalved?.();
        break;
      }
      const { answer, total } = result;
      this.#perRow = Math.max(this.#perRow, (1.1 * total) / rowCount);
      if (total <= capacity) return [answer];
      // The candidates were counted to the end: the second time they fit.
      if (attempt > 0) throw this.#mismatch(`finds ${total} candidates where it found ${capacity}`);
      if (total > most && rowCount > 1) break;
      capacity = total;
    }
    const middle = (from + to) >>> 1;
    const first = await this.#rows(left, chunk, visits, from, middle);
    return [...first, ...(await this.#rows(left, chunk, visits, middle, to))];
  }

  async #run(
    left: Runs,
    chunk: LeftChunk,
    { part, firstVisits, visits }: PartVisits,
    from: number,
    to: number,
    capacity: number,
  ): Promise<{ answer: Answer; total: number }> {
    const { program, found, visit, params } = joinProgram();
    const { wanted, tenant, maxWaitMs, signal } = this.options;
    const { blocks, blockCount, firstVisit, endVisit } = blocksOf(left.ends, chunk, firstVisits, from, to);
    if (endVisit === firstVisit) return { answer: nothing(from, to), total: 0 };
    const input = (data: ArrayBufferView): JobBuffer => ({ kind: 'input', data });
    const visited = new Uint8Array(
      this.heap.buffer,
      visits.offset + firstVisit * visit.byteLength,
      (endVisit - firstVisit) * visit.byteLength,
    );
    const { outputs } = await this.device.run(
      {
        label: 'sky.join',
        tenant,
        // Smaller pieces may fit at once; the smallest wait.
        maxWaitMs: to - from > BLOCK_ROWS ? 0 : maxWaitMs,
        buffers: {
          params: { kind: 'uniform', data: params({ wanted, capacity, firstPlace: part.firstPlace }) },
          rows: input(left.rows(from, to)),
          places: { kind: 'resident', resident: part.resident },
          blocks: input(blocks),
          visits: input(visited),
          found: { kind: 'output', byteLength: (to - from) * found.byteLength },
          candidates: { kind: 'output', byteLength: 4 * capacity },
          total: { kind: 'output', byteLength: 4 },
        },
        passes: [
          {
            program,
            bindings: ['params', 'rows', 'places', 'blocks', 'visits', 'found', 'candidates', 'total'],
            workgroups: [blockCount, 1, 1],
          },
        ],
      },
      { signal },
    );
    const total = new Uint32Array(outputs.total)[0];
    const answer: Answer = {
      firstRow: from,
      endRow: to,
      found: new Uint32Array(outputs.found),
      candidates: new Uint32Array(outputs.candidates, 0, Math.min(total, capacity)),
    };
    if (total <= capacity) this.#check(answer);
    return { answer, total };
  }

  #check({ found }: Answer): void {
    const { found: layout } = joinProgram();
    const stride = layout.byteLength / 4;
    for (let at = wordOf(layout, 'count'); at < found.length; at += stride) {
      if (found[at] === DISAGREES) throw this.#mismatch('counts and writes different candidates of one row');
    }
  }

  #mismatch(what: string): Problem {
    return fail('KERNEL_MISMATCH', { kernel: 'sky.join/webgpu', detail: `${this.device.info.name} ${what}` });
  }
}

function nothing(firstRow: number, endRow: number): Answer {
  const found = new Uint32Array(((endRow - firstRow) * joinProgram().found.byteLength) / 4);
  return { firstRow, endRow, found, candidates: new Uint32Array(0) };
}

interface Blocks {
  /** Structures Block, whose rows and visits are counted from those of this job. */
  readonly blocks: Uint32Array;
  readonly blockCount: number;
  readonly firstVisit: number;
  readonly endVisit: number;
}

/** The blocks of left rows [from, to); the outermost may be cut. */
function blocksOf(ends: Int32Array, chunk: LeftChunk, firstVisits: Uint32Array, from: number, to: number): Blocks {
  const { block: layout } = joinProgram();
  const stride = layout.byteLength / 4;
  const words = {
    firstRow: wordOf(layout, 'firstRow'),
    rowCount: wordOf(layout, 'rowCount'),
    firstVisit: wordOf(layout, 'firstVisit'),
    visitCount: wordOf(layout, 'visitCount'),
  };
  let first = chunk.firstBlock;
  while (ends[first] <= from) first++;
  let end = first;
  while (end < chunk.endBlock && firstRowOf(ends, end) < to) end++;
  const blocks = new Uint32Array((end - first) * stride);
  const firstVisit = firstVisits[first - chunk.firstBlock];
  for (let block = first; block < end; block++) {
    const at = (block - first) * stride;
    const firstRow = Math.max(from, firstRowOf(ends, block));
    const visit = firstVisits[block - chunk.firstBlock];
    blocks[at + words.firstRow] = firstRow - from;
    blocks[at + words.rowCount] = Math.min(to, ends[block]) - firstRow;
    blocks[at + words.firstVisit] = visit - firstVisit;
    blocks[at + words.visitCount] = firstVisits[block - chunk.firstBlock + 1] - visit;
  }
  return { blocks, blockCount: end - first, firstVisit, endVisit: firstVisits[end - chunk.firstBlock] };
}

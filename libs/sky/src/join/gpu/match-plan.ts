import type { Lease } from '@armilla/gpu-core';
import { joinKernel } from '../wasm-index.js';
import type { DeviceIndex, IndexPart } from './device-index.js';
import { joinProgram } from './join-program.js';
import { BALL_BYTES, REMEMBERED_CELLS, VISITING } from './layout.js';
import type { PhaseRules, Runs } from './runs.js';

/** What the rows of a chunk look for. */
export interface Wish {
  readonly limitChord: number;
  readonly floorChord: number;
  /** Nearest right rows wanted, 0: all. */
  readonly wanted: number;
  /** Places that have to be near for `wanted` of them to count: one more where a row is its own neighbour. */
  readonly sureCount: number;
}

/** What a chunk may take; only changes the speed. */
export interface ChunkLimits {
  readonly rowCount: number;
  readonly blockCount: number;
  /** Distances that one job computes, about. */
  readonly distanceCount: number;
  readonly visitBytes: number;
}

/** Cells that the blocks of a chunk visit in one part of the index. */
export interface PartVisits {
  readonly part: IndexPart;
  /** [blocks + 1] first visit of each block. */
  readonly firstVisits: Uint32Array;
  /** Structures Visit, in the heap. */
  readonly visits: Lease;
}

/** Consecutive blocks of left rows. */
export interface LeftChunk {
  readonly firstBlock: number;
  readonly endBlock: number;
  /** Parts of which a block visits something. */
  readonly parts: readonly PartVisits[];
  readonly distanceCount: number;
}

/** Blocks that a worker takes at a time: some milliseconds at most in a usual sky. */
const ITEM_BLOCKS = 64;

/** First left row of a block. */
export function firstRowOf(ends: Int32Array, block: number): number {
  return block > 0 ? ends[block - 1] : 0;
}

/** Blocks whose visits are counted. */
interface Window {
  readonly firstBlock: number;
  readonly endBlock: number;
  /** Of each part: [blocks, 2] visits, and places of the visited cells. */
  readonly counts: readonly Int32Array[];
}

/** Cuts left rows into chunks, and finds the cells that their blocks visit. Whoever gets a chunk disposes of its visits. */
export class MatchPlan implements Disposable {
  readonly #lease: Lease;
  readonly #params: number;
  readonly #reaches: number;
  readonly #counts: number;
  readonly #cells: number;
  readonly #mostBlocks: number;

  constructor(
    private readonly index: DeviceIndex,
    private readonly left: Runs,
    private readonly wish: Wish,
    private readonly limits: ChunkLimits,
    private readonly rules: PhaseRules,
  ) {
    this.#mostBlocks = Math.max(1, Math.min(left.runCount, limits.rowCount, limits.blockCount));
    const counted = this.#mostBlocks * index.parts.length;
    this.#lease = index.host.heap.lease(VISITING.bytes + (16 + 4 * REMEMBERED_CELLS) * counted, 'sky.device.plan');
    this.#params = this.#lease.offset;
    this.#reaches = this.#params + VISITING.bytes;
    this.#counts = this.#reaches + 8 * counted;
    this.#cells = this.#counts + 8 * counted;
  }

  async *chunks(): AsyncGenerator<LeftChunk, void, undefined> {
    for (let firstBlock = 0; firstBlock < this.left.runCount;) {
      const window = await this.#count(firstBlock);
      while (firstBlock < window.endBlock) {
        const chunk = await this.#cut(window, firstBlock);
        yield chunk;
        firstBlock = chunk.endBlock;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }

  /** Counts the visits of as many blocks as a chunk may have, if it is not cut for what they visit. */
  async #count(firstBlock: number): Promise<Window> {
    const { left, index, limits } = this;
    const { ends } = left;
    const firstRow = firstRowOf(ends, firstBlock);
    let endBlock = firstBlock + 1;
    while (
      endBlock < left.runCount &&
      endBlock - firstBlock < this.#mostBlocks &&
      ends[endBlock] - firstRow <= limits.rowCount
    )
      endBlock++;
    const counts: Int32Array[] = [];
    for (let at = 0; at < index.parts.length; at++) {
      await this.#phase('countVisits', at, firstBlock, firstBlock, endBlock);
      const address = this.#counts + 8 * at * this.#mostBlocks;
      counts.push(new Int32Array(index.host.heap.buffer, address, 2 * (endBlock - firstBlock)));
    }
    return { firstBlock, endBlock, counts };
  }

  /** The chunk of a window that begins with a block. */
  async #cut({ firstBlock: windowBlock, endBlock: windowEnd, counts }: Window, firstBlock: number): Promise<LeftChunk> {
    const { left, limits, index } = this;
    const visitBytes = joinProgram().visit.byteLength;
    const { ends } = left;
    const visitCounts = counts.map(() => 0);
    let distanceCount = 0;
    let endBlock = firstBlock;
    for (let full = false; endBlock < windowEnd && !full; endBlock++) {
      const rows = ends[endBlock] - firstRowOf(ends, endBlock);
      for (let at = 0; at < counts.length; at++) {
        visitCounts[at] += counts[at][2 * (endBlock - windowBlock)];
        distanceCount += rows * counts[at][2 * (endBlock - windowBlock) + 1];
        full ||= visitCounts[at] * visitBytes >= limits.visitBytes / 2;
      }
      full ||= distanceCount >= limits.distanceCount;
    }
    const parts: PartVisits[] = [];
    try {
      for (const [at, part] of index.parts.entries()) {
        if (visitCounts[at] === 0) continue;
        const firstVisits = new Uint32Array(endBlock - firstBlock + 1);
        for (let block = firstBlock; block < endBlock; block++)
          firstVisits[block - firstBlock + 1] = firstVisits[block - firstBlock] + counts[at][2 * (block - windowBlock)];
        const visits = index.host.heap.lease(visitCounts[at] * visitBytes, 'sky.device.visits');
        parts.push({ part, firstVisits, visits });
        await this.#phase('writeVisits', at, windowBlock, firstBlock, endBlock, { firstVisits, visits });
      }
    } catch (error) {
      for (const { visits } of parts) visits[Symbol.dispose]();
      throw error;
    }
    return { firstBlock, endBlock, parts, distanceCount };
  }

  /** Runs a step over blocks [from, to) of the window that begins with `windowBlock`. */
  async #phase(
    name: 'countVisits' | 'writeVisits',
    at: number,
    windowBlock: number,
    from: number,
    to: number,
    out?: { readonly firstVisits: Uint32Array; readonly visits: Lease },
  ): Promise<void> {
    const { index, left, wish, rules } = this;
    const { runtime, heap } = index.host;
    const part = index.parts[at];
    const counted = at * this.#mostBlocks + from - windowBlock;
    using firsts = out && heap.lease(out.firstVisits.byteLength, 'sky.device.first-visits');
    if (out && firsts) new Uint32Array(heap.buffer, firsts.offset, out.firstVisits.length).set(out.firstVisits);
    const words = new Uint32Array(heap.buffer, this.#params, VISITING.bytes / 4);
    words[VISITING.levels / 4] = part.levels;
    words[VISITING.levelCount / 4] = part.levelCount;
    words[VISITING.cellEnds / 4] = part.cellEnds;
    words[VISITING.firstPlace / 4] = part.firstPlace;
    words[VISITING.blockBalls / 4] = left.balls + from * BALL_BYTES;
    words[VISITING.blockCount / 4] = to - from;
    words[VISITING.step / 4] = ITEM_BLOCKS;
    // Rows below the minimum radius are near but do not count.
    words[VISITING.sureCount / 4] = wish.wanted > 0 && wish.floorChord === 0 ? wish.sureCount : 0;
    words[VISITING.reaches / 4] = this.#reaches + 8 * counted;
    words[VISITING.counts / 4] = this.#counts + 8 * counted;
    words[VISITING.cells / 4] = this.#cells + 4 * REMEMBERED_CELLS * counted;
    words[VISITING.firstVisits / 4] = firsts?.offset ?? 0;
    words[VISITING.visits / 4] = out?.visits.offset ?? 0;
    const floats = new Float64Array(heap.buffer, this.#params, VISITING.bytes / 8);
    floats[VISITING.limitChord / 8] = wish.limitChord;
    floats[VISITING.floorChord / 8] = wish.floorChord;
    const itemCount = Math.ceil((to - from) / ITEM_BLOCKS);
    await runtime.phase({ heap, kernel: joinKernel(runtime), name, params: this.#params, itemCount, ...rules }).done;
  }
}

import { setImmediate as turn } from 'node:timers/promises';
import { slackOf, squareBounds } from './bounds.js';
import type { IndexPart } from './device-index.js';
import { type JoinProgram, wordOf } from './join-program.js';
import type { Runs } from './runs.js';

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
  /** [visits] structures Visit. */
  readonly visits: ArrayBuffer;
}

/** Consecutive blocks of left rows. */
export interface LeftChunk {
  readonly firstBlock: number;
  readonly endBlock: number;
  /** Parts of which a block visits something. */
  readonly parts: readonly PartVisits[];
  readonly distanceCount: number;
}

/** Blocks between two turns of the event loop: some milliseconds. */
const TURN_BLOCKS = 128;

/** First left row of a block. */
export function firstRowOf({ ends }: Pick<Runs, 'ends'>, block: number): number {
  return block > 0 ? ends[block - 1] : 0;
}

/** Cuts left rows into chunks, and finds the cells that their blocks visit. */
export async function* planChunks(
  left: Runs,
  parts: readonly IndexPart[],
  wish: Wish,
  limits: ChunkLimits,
  { visit: layout }: JoinProgram,
  signal?: AbortSignal,
): AsyncGenerator<LeftChunk, void, undefined> {
  const blockCount = left.ends.length;
  const visitBytes = layout.byteLength;
  for (let firstBlock = 0; firstBlock < blockCount;) {
    const writers = parts.map(() => new VisitWriter(layout));
    let block = firstBlock;
    let rowCount = 0;
    let distanceCount = 0;
    for (; block < blockCount; block++) {
      const rows = left.ends[block] - firstRowOf(left, block);
      rowCount += rows;
      if (block > firstBlock && (rowCount > limits.rowCount || block - firstBlock >= limits.blockCount)) break;
      for (const [at, part] of parts.entries()) distanceCount += rows * writers[at].addBlock(left, block, part, wish);
      if (block % TURN_BLOCKS === TURN_BLOCKS - 1) {
        await turn();
        signal?.throwIfAborted();
      }
      const full = distanceCount >= limits.distanceCount;
      if (full || writers.some(({ visitCount }) => visitCount * visitBytes >= limits.visitBytes / 2)) {
        block++;
        break;
      }
    }
    yield {
      firstBlock,
      endBlock: block,
      parts: parts.flatMap((part, at) => (writers[at].visitCount > 0 ? [writers[at].take(part)] : [])),
      distanceCount,
    };
    firstBlock = block;
  }
}

/** Writes the visits of block after block. */
class VisitWriter {
  visitCount = 0;
  readonly #stride: number;
  readonly #words: Readonly<Record<'x' | 'y' | 'z' | 'firstPlace' | 'placeCount', number>>;
  readonly #bounds: Readonly<Record<'most' | 'least' | 'surely' | 'spread', number>>;
  readonly #firstVisits: number[] = [0];
  #floats: Float32Array;
  #integers: Uint32Array;

  constructor(layout: JoinProgram['visit']) {
    const words = <Name extends string>(...names: Name[]): Readonly<Record<Name, number>> =>
      Object.fromEntries(names.map((name) => [name, wordOf(layout, name)])) as Record<Name, number>;
    this.#stride = layout.byteLength / 4;
    this.#words = words('x', 'y', 'z', 'firstPlace', 'placeCount');
    this.#bounds = words('most', 'least', 'surely', 'spread');
    this.#floats = new Float32Array(1024 * this.#stride);
    this.#integers = new Uint32Array(this.#floats.buffer);
  }

  /** Gives the places that each row of the block is held against. */
  addBlock({ centres, radii }: Runs, block: number, { cells, tree }: IndexPart, wish: Wish): number {
    const { limitChord, floorChord, wanted, sureCount } = wish;
    const [x, y, z] = [centres[3 * block], centres[3 * block + 1], centres[3 * block + 2]];
    const radius = radii[block];
    // Rows below the minimum radius are near but do not count.
    const count = tree.find(x, y, z, radius, limitChord, wanted > 0 && floorChord === 0 ? sureCount : 0);
    const end = (this.visitCount + count) * this.#stride;
    if (end > this.#floats.length) {
      const more = new Float32Array(Math.max(end, 2 * this.#floats.length));
      more.set(this.#floats);
      this.#floats = more;
      this.#integers = new Uint32Array(more.buffer);
    }
    const floats = this.#floats;
    const integers = this.#integers;
    const words = this.#words;
    let placeCount = 0;
    for (let i = 0; i < count; i++) {
      const cell = tree.found[i];
      const at = (this.visitCount + i) * this.#stride;
      const first = firstRowOf(cells, cell);
      const bounds = squareBounds(floorChord, limitChord, slackOf(radius, tree.apart[i], cells.radii[cell]));
      floats[at + words.x] = x - cells.centres[3 * cell];
      floats[at + words.y] = y - cells.centres[3 * cell + 1];
      floats[at + words.z] = z - cells.centres[3 * cell + 2];
      integers[at + words.firstPlace] = first;
      integers[at + words.placeCount] = cells.ends[cell] - first;
      floats[at + this.#bounds.most] = bounds.most;
      floats[at + this.#bounds.least] = bounds.least;
      floats[at + this.#bounds.surely] = bounds.surely;
      floats[at + this.#bounds.spread] = bounds.spread;
      placeCount += cells.ends[cell] - first;
    }
    this.visitCount += count;
    this.#firstVisits.push(this.visitCount);
    return placeCount;
  }

  take(part: IndexPart): PartVisits {
    return {
      part,
      firstVisits: Uint32Array.from(this.#firstVisits),
      visits: this.#floats.buffer.slice(0, 4 * this.visitCount * this.#stride) as ArrayBuffer,
    };
  }
}

import type { ChunkPairs, JoinInput, PairQuery, Positions, RowMarks, SkyIndex } from '@armilla/sky';
import { fail } from '@armilla/base';
import type { Dispatcher } from '@armilla/gpu-core';
import { slicePieces, type LeftPart, type PairBlock } from './parts.js';
import { withinMemory } from './within-memory.js';

export interface PairSearch {
  readonly index: SkyIndex;
  readonly query: PairQuery;
  /** The part is of the indexed table itself. */
  readonly self: boolean;
  readonly workerCount?: number;
  /** Sends blocks to a device where that is faster; the pairs are the same. */
  readonly dispatcher?: Dispatcher;
  /** Device or kind of device that blocks go to; default: the router's choice. */
  readonly device?: string;
  /** Whose budget of device memory blocks take. */
  readonly tenant?: string;
  /** When the caller gives up, milliseconds since the epoch; default never. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
  /** Rows of a block at most. */
  readonly blockRowCount: number;
  /** Pairs that a block may hold, about; rows are matched in smaller runs where more are expected. */
  readonly blockPairCount: number;
  /** Pairs that all blocks together may hold. */
  readonly maxPairs: number;
  /** Leave the pairs in the memory of the index: each block is given back by `release`. */
  readonly inPlace: boolean;
  /** Ask for row numbers as the result has them. */
  readonly rowNumbers: boolean;
}

/** What a pair search has done so far. */
export interface PairCounts {
  pairCount: number;
  candidateCount: number;
  cellCount: number;
}

/** Where the pairs of parts come from, block by block. */
export interface PairSource {
  readonly counts: Readonly<PairCounts>;
  /** Gives back what the pairs lie in; they are void then. */
  release(pairs: ChunkPairs): void;
  /** The same for all blocks that are still held. */
  releaseAll(): void;
  /** Tells the expected pairs per left row before the first block. */
  expect(pairsPerRow: number): void;
  /** `marks`: where the right rows of nearest pairs are marked. */
  find(part: LeftPart, marks?: RowMarks): AsyncGenerator<PairBlock, void, undefined>;
  /** Usable rows so far without a motion, where motions count. */
  readonly missingMotions?: { readonly left: number; readonly right: number };
}

/** Finds the pairs of parts block by block, sized so that a block's pairs stay within bounds. */
export class PairFinder implements PairSource {
  readonly counts: PairCounts = { pairCount: 0, candidateCount: 0, cellCount: 0 };
  /** Pairs per left row of the last block; of the estimate before the first. */
  #pairsPerRow: number | undefined;
  readonly #held = new Set<ChunkPairs>();

  constructor(private readonly search: PairSearch) {}

  release(pairs: ChunkPairs): void {
    if (this.#held.delete(pairs)) pairs.release?.();
  }

  releaseAll(): void {
    for (const pairs of this.#held) this.release(pairs);
  }

  expect(pairsPerRow: number): void {
    this.#pairsPerRow = pairsPerRow;
  }

  async *find(part: LeftPart, marks?: RowMarks): AsyncGenerator<PairBlock, void, undefined> {
    const { query, self, rowNumbers } = this.search;
    const sorted = query.order === 'left';
    let from = 0;
    do {
      const left = this.search.maxPairs - this.counts.pairCount;
      const wanted = Math.min(part.rowCount, from + this.#blockRowCount(part));
      const { to, found: pairs } = await withinMemory(from, wanted, (end) =>
        this.#match(
          slicePieces(part.pieces, from, end),
          {
            ...query,
            rowNumbers: rowNumbers ? { leftFirst: part.firstRow + from } : undefined,
            selfFirstRow: self ? part.firstRow + from : undefined,
            maxPairs: query.find === 'all' ? Math.max(left, 0) : undefined,
          },
          marks,
        ),
      ).catch((error: unknown) => {
        throw this.#withTotal(error);
      });
      if (pairs.release) this.#held.add(pairs);
      this.#count(pairs, to - from);
      yield { part, from, to, pairs, sorted, paired: true };
      from = to;
    } while (from < part.rowCount);
  }

  /** By the router, but where somebody asked for a number of workers and for no device besides them. */
  async #match(left: readonly Positions[], query: PairQuery, marks?: RowMarks): Promise<ChunkPairs> {
    const {
      index,
      workerCount,
      dispatcher,
      device,
      tenant,
      deadlineMs = Infinity,
      signal,
      fairKey,
      inPlace,
    } = this.search;
    if (dispatcher === undefined || (workerCount !== undefined && (device ?? 'wasm') === 'wasm'))
      return await index.match(left, query, { workerCount, signal, fairKey, inPlace, marks });
    const input: JoinInput = { left, right: index, query, inPlace, marks };
    const { value } = await dispatcher.run<ChunkPairs>('sky.join', input, {
      device,
      signal,
      fairKey,
      tenant,
      // The whole of what is left: nobody knows how many blocks follow.
      ...(deadlineMs < Infinity && { deadlineMs: Math.max(1, deadlineMs - Date.now()) }),
    });
    return value;
  }

  #blockRowCount(part: LeftPart): number {
    const { query, blockPairCount, blockRowCount } = this.search;
    const perRow = query.find === 'nearest' ? 1 : query.find === 'k-nearest' ? query.k : (this.#pairsPerRow ?? 1);
    return Math.max(1, Math.min(part.rowCount, blockRowCount, Math.floor(blockPairCount / Math.max(perRow, 1e-9))));
  }

  #count(pairs: ChunkPairs, rowCount: number): void {
    this.counts.pairCount += pairs.pairCount;
    this.counts.candidateCount += pairs.candidateCount;
    this.counts.cellCount += pairs.cellCount;
    // Denser rows may follow at once, so the expectation falls only slowly.
    const seen = pairs.pairCount / Math.max(rowCount, 1);
    this.#pairsPerRow = Math.max(seen, (this.#pairsPerRow ?? seen) / 2);
  }

  /** The limit of one block is what the blocks before it left over; the message speaks of the whole. */
  #withTotal(error: unknown): unknown {
    const { reason } = error as { reason?: string };
    if (reason !== 'MAX_PAIRS_EXCEEDED') return error;
    return fail(
      'MAX_PAIRS_EXCEEDED',
      { estimated: `more than ${this.search.maxPairs}`, limit: this.search.maxPairs },
      { cause: error },
    );
  }
}

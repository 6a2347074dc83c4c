import { type ChunkPairs, RowStatus } from '@armilla/sky';
import type { Join } from './options.js';
import type { JudgedPairs, LeftPart, PairBlock, RightRows } from './parts.js';
import type { FilteredRows } from './filter/filtered-rows.js';
import { aloneValue } from './probability/pair-probabilities.js';
import type { JudgedColumn } from './refine/pair-list.js';

/** Rows of the result before their columns are gathered. Absent rows are -1, absent separations NaN. */
export interface Selection {
  readonly count: number;
  /** Every row has both sides and a separation. */
  readonly paired: boolean;
  /** Undefined when no row of the selection has a left side. */
  readonly part: LeftPart | undefined;
  readonly left: Int32Array | undefined; // [count] rows of the part
  readonly right: Int32Array | undefined; // [count] rows of `rightRows`; undefined when none has a right side
  readonly separationArcsec: Float64Array | undefined; // [count]
  readonly rank: Int32Array | undefined; // [count]
  readonly leftNumber?: BigInt64Array; // [count] row of the left table, where the search has numbered the rows
  readonly rightNumber?: BigInt64Array; // [count]
  readonly judged?: ReadonlyMap<JudgedColumn, Float64Array>; // [count] each
  /** By row of the block: neighbours and second separation of left row `left[i] - blockFrom`. */
  readonly pairs: JudgedPairs | undefined;
  readonly blockFrom: number;
  /** Where it is not the right table of the match. */
  readonly rightRows?: RightRows;
}

/** Rows [from, to) of a selection, viewed. */
export function sliceSelection(selection: Selection, from: number, to: number): Selection {
  const { left, right, separationArcsec, rank, leftNumber, rightNumber, judged } = selection;
  return {
    ...selection,
    count: to - from,
    left: left?.subarray(from, to),
    right: right?.subarray(from, to),
    separationArcsec: separationArcsec?.subarray(from, to),
    rank: rank?.subarray(from, to),
    leftNumber: leftNumber?.subarray(from, to),
    rightNumber: rightNumber?.subarray(from, to),
    judged: judged && sliceJudged(judged, from, to),
  };
}

function sliceJudged(
  judged: NonNullable<JudgedPairs['judged']>,
  from: number,
  to: number,
): ReadonlyMap<JudgedColumn, Float64Array> {
  return new Map([...judged].map(([name, values]) => [name, values.subarray(from, to)]));
}

/** Whether left rows without a pair are in the result. */
export function keepsUnmatchedLeft(join: Join): boolean {
  return join === 'left' || join === 'full' || join === 'left-anti';
}

/** Selections that make a batch, and the pairs that no later one needs. */
export interface BatchRows {
  readonly selections: readonly Selection[];
  readonly finished: readonly ChunkPairs[];
}

/** Turns the pairs of one block into result rows of a join, as many at a time as there is room for. */
export class JoinCursor {
  readonly #block: PairBlock;
  readonly #keepPairs: boolean;
  readonly #keepUnmatched: boolean;
  #pair = 0;
  #row = 0;
  /** For pairs in any order: rows of the block that a pair uses. */
  #used: Uint8Array | undefined;

  /** `elsewhere`: rows of the left table that pairs use as their right side, when a table is matched with itself. */
  constructor(
    block: PairBlock,
    join: Join,
    private readonly elsewhere?: RowSet,
  ) {
    this.#block = block;
    this.#keepPairs = join !== 'left-anti' && join !== 'right-anti';
    this.#keepUnmatched = keepsUnmatchedLeft(join);
    if (this.#keepUnmatched && !block.sorted) {
      this.#used = new Uint8Array(block.to - block.from);
      for (const row of block.pairs.left) this.#used[row] = 1;
    }
  }

  /** The next rows, at most `limit`; undefined at the end. */
  take(limit: number): Selection | undefined {
    if (!this.#keepUnmatched) return this.#keepPairs ? this.#takePairs(limit) : undefined;
    return this.#used
      ? ((this.#keepPairs ? this.#takePairs(limit) : undefined) ?? this.#takeUnmatched(this.#used, limit))
      : this.#takeMerged(limit);
  }

  #takePairs(limit: number): Selection | undefined {
    const { pairs, part, from: blockFrom, paired, rightRows } = this.#block;
    const start = this.#pair;
    const end = Math.min(start + limit, pairs.pairCount);
    if (start === end) return undefined;
    this.#pair = end;
    const left =
      blockFrom === 0 ? pairs.left.subarray(start, end) : pairs.left.subarray(start, end).map((row) => row + blockFrom);
    return {
      count: end - start,
      paired,
      part,
      left,
      right: pairs.right.subarray(start, end),
      separationArcsec: pairs.separationArcsec.subarray(start, end),
      rank: pairs.rank?.subarray(start, end),
      leftNumber: pairs.leftNumber?.subarray(start, end),
      rightNumber: pairs.rightNumber?.subarray(start, end),
      judged: pairs.judged && sliceJudged(pairs.judged, start, end),
      pairs,
      blockFrom,
      rightRows,
    };
  }

  /** Pairs and unmatched rows by left row. */
  #takeMerged(limit: number): Selection | undefined {
    const { pairs, part, from: blockFrom, to, rightRows } = this.#block;
    const rowCount = to - blockFrom;
    const left = new Int32Array(limit);
    const right = new Int32Array(limit);
    const separationArcsec = new Float64Array(limit);
    const rank = pairs.rank && new Int32Array(limit);
    const judged = [...(pairs.judged ?? [])].map(([name, from]) => ({
      name,
      from,
      to: new Float64Array(limit).fill(NaN),
    }));
    let count = 0;
    let p = this.#pair;
    let row = this.#row;
    // `row` is the first row that neither a pair nor an unmatched row has covered yet.
    while (count < limit) {
      if (p < pairs.pairCount && pairs.left[p] <= row) {
        if (this.#keepPairs) {
          left[count] = pairs.left[p] + blockFrom;
          right[count] = pairs.right[p];
          separationArcsec[count] = pairs.separationArcsec[p];
          if (rank) rank[count] = (pairs.rank as Int32Array)[p];
          for (const column of judged) column.to[count] = column.from[p];
          count++;
        }
        row = pairs.left[p] + 1;
        p++;
      } else if (row < rowCount) {
        if (this.#isLeftOut(row)) {
          row++;
          continue;
        }
        left[count] = row + blockFrom;
        right[count] = -1;
        separationArcsec[count] = NaN;
        // A row without a usable position has no probabilities either.
        if (pairs.status[row] === RowStatus.ok) for (const column of judged) column.to[count] = aloneValue(column.name);
        count++;
        row++;
      } else break;
    }
    this.#pair = p;
    this.#row = row;
    if (count === 0) return undefined;
    return {
      count,
      paired: false,
      part,
      left: left.subarray(0, count),
      right: this.#keepPairs ? right.subarray(0, count) : undefined,
      separationArcsec: this.#keepPairs ? separationArcsec.subarray(0, count) : undefined,
      rank: rank?.subarray(0, count),
      judged: pairs.judged && new Map(judged.map(({ name, to: values }) => [name, values.subarray(0, count)])),
      pairs,
      blockFrom,
      rightRows,
    };
  }

  #takeUnmatched(used: Uint8Array, limit: number): Selection | undefined {
    const { pairs, part, from: blockFrom } = this.#block;
    const left = new Int32Array(limit);
    let count = 0;
    let row = this.#row;
    for (; row < used.length && count < limit; row++)
      if (used[row] === 0 && !this.#isLeftOut(row)) left[count++] = row + blockFrom;
    this.#row = row;
    if (count === 0) return undefined;
    return {
      count,
      paired: false,
      part,
      left: left.subarray(0, count),
      right: undefined,
      separationArcsec: undefined,
      rank: undefined,
      pairs,
      blockFrom,
    };
  }

  /** Whether a row without a pair is in no result all the same. */
  #isLeftOut(row: number): boolean {
    const { part, from } = this.#block;
    return (part.filtered?.has(from + row) ?? false) || (this.elsewhere?.has(part.firstRow + from + row) ?? false);
  }
}

/** The right rows that no pair uses and no filter leaves out, ascending, as result rows without a left side. */
export class UnusedRightCursor {
  #row = 0;

  /** `rightRows`: rows [firstRow, firstRow + rowCount) of the table, where they are not all of it. */
  constructor(
    private readonly used: RowSet,
    private readonly rowCount: number,
    private readonly firstRow = 0,
    private readonly rightRows?: RightRows,
    private readonly filtered?: FilteredRows,
  ) {}

  take(limit: number): Selection | undefined {
    const right = new Int32Array(limit);
    let count = 0;
    let row = this.#row;
    for (; row < this.rowCount && count < limit; row++)
      if (!this.used.has(row + this.firstRow) && !this.filtered?.has(row)) right[count++] = row;
    this.#row = row;
    if (count === 0) return undefined;
    return {
      count,
      paired: false,
      part: undefined,
      left: undefined,
      right: right.subarray(0, count),
      separationArcsec: undefined,
      rank: undefined,
      pairs: undefined,
      blockFrom: 0,
      rightRows: this.rightRows,
    };
  }
}

/** A set of rows, one bit each: for 10M rows it stays in the cache. */
export class RowSet {
  readonly #bits: Int32Array;
  size = 0;

  constructor(rowCount: number) {
    // Shared, so that threads mark rows and look them up.
    this.#bits = new Int32Array(new SharedArrayBuffer(4 * ((rowCount + 31) >>> 5)));
  }

  /** Row r is bit r % 32 of word floor(r / 32). */
  get words(): Int32Array {
    return this.#bits;
  }

  /** Counts the rows anew, after threads have marked some. */
  count(): void {
    this.addWords(this.#bits);
  }

  has(row: number): boolean {
    return (this.#bits[row >>> 5] & (1 << (row & 31))) !== 0;
  }

  add(row: number): void {
    if (this.has(row)) return;
    this.#bits[row >>> 5] |= 1 << (row & 31);
    this.size++;
  }

  /** Adds the rows whose bits are set: row r is bit r % 32 of word floor(r / 32). */
  addWords(words: Int32Array): void {
    const bits = this.#bits;
    let size = 0;
    for (let w = 0; w < bits.length; w++) {
      const word = bits[w] | words[w];
      bits[w] = word;
      // Bits in pairs, fours and bytes, which the product sums up.
      const twos = word - ((word >>> 1) & 0x55555555);
      const fours = (twos & 0x33333333) + ((twos >>> 2) & 0x33333333);
      size += Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    this.size = size;
  }

  /** Adds rows[i] + offset, leaving negative rows out. */
  addAll(rows: Int32Array, offset = 0): void {
    const bits = this.#bits;
    let added = 0;
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] < 0) continue;
      const row = rows[i] + offset;
      const word = bits[row >>> 5];
      // Counted without a branch: whether a row is new cannot be foreseen.
      added += (~word >>> (row & 31)) & 1;
      bits[row >>> 5] = word | (1 << (row & 31));
    }
    this.size += added;
  }
}

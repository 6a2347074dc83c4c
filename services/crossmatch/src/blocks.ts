import { fail, formatBytes, isProblem } from '@armilla/base';
import type { Runtime } from '@armilla/gpu-core';
import { type ChunkPairs, type RowMarks, RowStatus, samplePositions, type SkyIndex } from '@armilla/sky';
import { ahead, inSlices } from './ahead.js';
import type { CatalogTable } from './catalog-table.js';
import { Groups, type RowGroups } from './groups.js';
import { keepMutual, keepMutualOf } from './mutual.js';
import type { AllPairs } from './one-to-one.js';
import { workerModule } from './ops/module.js';
import { DEFAULT_MAX_PAIRS, type ResolvedOptions } from './options.js';
import type { PairSource } from './pairs.js';
import type { JudgedPairs, LeftPart, PairBlock } from './parts.js';
import { PAIR_BYTES } from './plan.js';

/** What the modes below share. */
export interface BlockContext {
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly workerCount?: number;
  readonly fairKey: object;
}

const ESTIMATE_ROW_COUNT = 4096;

/** Blocks of a left table that streams. */
export async function* streamBlocks(
  parts: AsyncIterable<LeftPart>,
  finder: PairSource,
  marks: RowMarks | undefined,
): AsyncGenerator<PairBlock, void, undefined> {
  for await (const part of ahead(parts)) yield* finder.find(part, marks);
}

/** One block of the mutual nearest pairs of two tables that are kept and indexed. */
export async function mutualBlock(
  left: CatalogTable,
  right: CatalogTable,
  finder: PairSource,
  context: BlockContext,
  radii: { radiusArcsec: number; minRadiusArcsec: number },
): Promise<PairBlock> {
  const part = wholePart(left);
  const nearest = await collectPairs(part, finder, context.signal);
  if (!left.index || !right.positions) throw new TypeError('mutual pairs need the left index and the right positions');
  const pairs = await keepMutual(nearest, {
    leftIndex: left.index,
    rightPositions: right.positions,
    ...radii,
    workerCount: context.workerCount,
    signal: context.signal,
  });
  return { part, from: 0, to: part.rowCount, pairs, sorted: true, paired: true };
}

/** The same of pairs that are judged one by one: all of them are held meanwhile. */
export async function judgedMutualBlock(
  left: CatalogTable,
  finder: PairSource,
  context: BlockContext,
): Promise<PairBlock> {
  const part = wholePart(left);
  const pairs = keepMutualOf(await collectPairs(part, finder, context.signal));
  return { part, from: 0, to: part.rowCount, pairs, sorted: true, paired: true };
}

/** One block of the greedy one-to-one pairs, at most `maxPairs`; all pairs within the radius are held meanwhile. */
export async function oneToOneBlock(
  left: CatalogTable,
  rightRowCount: number,
  finder: PairSource,
  context: BlockContext,
  maxPairs = DEFAULT_MAX_PAIRS,
): Promise<PairBlock> {
  const part = wholePart(left);
  const all = await collectPairs(part, finder, context.signal).catch((error: unknown) => {
    if (!isProblem(error) || error.reason !== 'MAX_PAIRS_EXCEEDED') throw error;
    const limit = Number(error.fields.limit) * PAIR_BYTES;
    throw fail(
      'MEMORY_OVER_LIMIT',
      { needed: `more than ${formatBytes(limit)}`, limit: formatBytes(limit) },
      { cause: error },
    );
  });
  const input: AllPairs = {
    left: all.left,
    right: all.right,
    key: all.key ?? all.separationArcsec,
    leftRowCount: left.rowCount,
    rightRowCount,
  };
  const taken = await context.runtime.call<Int32Array>(workerModule(), 'takeGreedily', [input], {
    signal: context.signal,
    fairKey: context.fairKey,
  });
  if (taken.length > maxPairs) throw fail('MAX_PAIRS_EXCEEDED', { estimated: taken.length, limit: maxPairs });
  const pick = async <T extends Int32Array | Float64Array>(values: T, out: T): Promise<T> => {
    await inSlices(taken.length, context.signal, (from, to) => {
      for (let i = from; i < to; i++) out[i] = values[taken[i]];
    });
    return out;
  };
  const pairs: JudgedPairs = {
    ...all,
    pairCount: taken.length,
    left: await pick(all.left, new Int32Array(taken.length)),
    right: await pick(all.right, new Int32Array(taken.length)),
    separationArcsec: await pick(all.separationArcsec, new Float64Array(taken.length)),
    key: undefined,
    judged: all.judged && new Map([...all.judged].map(([name, values]) => [name, takeValues(values, taken)])),
  };
  return { part, from: 0, to: part.rowCount, pairs, sorted: true, paired: true };
}

/** The friends-of-friends groups of a table. */
export async function groupsOf(table: CatalogTable, finder: PairSource, signal: AbortSignal): Promise<RowGroups> {
  const groups = new Groups(table.rowCount);
  for await (const { pairs, from } of ahead(finder.find(wholePart(table)))) {
    await inSlices(pairs.pairCount, signal, (start, end) => groups.connect(pairs.left, pairs.right, from, start, end));
  }
  const status = (table.index as SkyIndex).status;
  return groups.finish((row) => status[row] !== 0 || (table.filtered?.has(row) ?? false));
}

/** The rows of a part that are in a group, as a block that pairs each with nothing; `id` is by row of the table. */
export function groupBlock(part: LeftPart, id: Int32Array, status: Uint8Array, keepsRejected: boolean): PairBlock {
  const rows = new Int32Array(part.rowCount);
  let [count, usableCount] = [0, 0];
  for (let row = 0; row < rows.length; row++) {
    if (status[row] === RowStatus.ok) usableCount++;
    if (id[part.firstRow + row] >= 0 || (keepsRejected && !part.filtered?.has(row))) rows[count++] = row;
  }
  const pairs: ChunkPairs = {
    pairCount: count,
    left: rows.subarray(0, count),
    right: new Int32Array(count).fill(-1),
    separationArcsec: new Float64Array(count).fill(NaN),
    key: undefined,
    rank: undefined,
    neighbourCount: undefined,
    secondSeparationArcsec: undefined,
    status,
    usableCount,
    candidateCount: 0,
    cellCount: 0,
  };
  return { part, from: 0, to: part.rowCount, pairs, sorted: true, paired: false };
}

/** A kept table as one part. */
export function wholePart(table: CatalogTable): LeftPart {
  if (!table.positions) throw new TypeError('the table was loaded without its positions');
  return {
    firstRow: 0,
    rowCount: table.rowCount,
    pieces: [table.positions],
    positions: table.positions,
    astrometry: table.astrometry,
    faults: undefined,
    filtered: table.filtered,
    payload: table.payload,
  };
}

/** Refuses a search that would find more than `maxPairs`; tells the finder what to expect otherwise. */
export function estimatePairs(
  finder: PairSource,
  index: SkyIndex,
  part: LeftPart,
  leftRowCount: number,
  query: Pick<ResolvedOptions, 'find' | 'radiusArcsec' | 'minRadiusArcsec'>,
  share: number,
  maxPairs: number,
): void {
  if (part.rowCount === 0 || index.rowCount === 0) return;
  const sampleCount = Math.min(ESTIMATE_ROW_COUNT, part.rowCount);
  const rows = Int32Array.from({ length: sampleCount }, (_, i) => Math.floor((i * part.rowCount) / sampleCount));
  const sample = samplePositions(part.pieces, rows);
  const sum =
    index.estimatePairCount(sample, query.radiusArcsec) -
    (query.minRadiusArcsec > 0 ? index.estimatePairCount(sample, query.minRadiusArcsec) : 0);
  const perRow = Math.max(0, sum / sampleCount);
  finder.expect(perRow);
  const estimated = perRow * leftRowCount * share;
  if (estimated <= maxPairs) return;
  // The limit of one-to-one is of memory: its result may well have fewer pairs than max_pairs.
  if (query.find === 'one-to-one')
    throw fail('MEMORY_OVER_LIMIT', {
      needed: formatBytes(estimated * PAIR_BYTES),
      limit: formatBytes(maxPairs * PAIR_BYTES),
    });
  throw fail('MAX_PAIRS_EXCEEDED', { estimated: `about ${Math.round(estimated)}`, limit: maxPairs });
}

function takeValues(values: Float64Array, at: Int32Array): Float64Array {
  const out = new Float64Array(at.length);
  for (let i = 0; i < at.length; i++) out[i] = values[at[i]];
  return out;
}

/** All pairs of a part in one piece, by left row. */
export async function collectPairs(part: LeftPart, finder: PairSource, signal: AbortSignal): Promise<JudgedPairs> {
  const blocks: PairBlock[] = [];
  let pairCount = 0;
  for await (const block of finder.find(part)) {
    blocks.push(block);
    pairCount += block.pairs.pairCount;
  }
  if (blocks.length === 1) return blocks[0].pairs;
  const first = blocks[0].pairs;
  const whole = {
    pairCount,
    left: new Int32Array(pairCount),
    right: new Int32Array(pairCount),
    separationArcsec: new Float64Array(pairCount),
    key: first.key && new Float64Array(pairCount),
    rank: first.rank && new Int32Array(pairCount),
    neighbourCount: first.neighbourCount && new Int32Array(part.rowCount),
    secondSeparationArcsec: first.secondSeparationArcsec && new Float64Array(part.rowCount),
    status: new Uint8Array(part.rowCount),
    usableCount: 0,
    candidateCount: 0,
    cellCount: 0,
    judged: first.judged && new Map([...first.judged.keys()].map((name) => [name, new Float64Array(pairCount)])),
  };
  let at = 0;
  for (const { pairs, from } of blocks) {
    await inSlices(pairs.pairCount, signal, (start, end) => {
      for (let p = start; p < end; p++) whole.left[at + p] = pairs.left[p] + from;
    });
    whole.right.set(pairs.right, at);
    whole.separationArcsec.set(pairs.separationArcsec, at);
    if (pairs.key) whole.key?.set(pairs.key, at);
    if (pairs.rank) whole.rank?.set(pairs.rank, at);
    if (pairs.neighbourCount) whole.neighbourCount?.set(pairs.neighbourCount, from);
    if (pairs.secondSeparationArcsec) whole.secondSeparationArcsec?.set(pairs.secondSeparationArcsec, from);
    whole.status.set(pairs.status, from);
    whole.usableCount += pairs.usableCount;
    for (const [name, values] of whole.judged ?? []) values.set(pairs.judged?.get(name) as Float64Array, at);
    whole.candidateCount += pairs.candidateCount;
    whole.cellCount += pairs.cellCount;
    at += pairs.pairCount;
  }
  return whole;
}

import type { Runtime } from '@armilla/gpu-core';
import { type ChunkPairs, positionStatuses } from '@armilla/sky';
import { MessageEncoder, recordBatch, unpackColumn } from '@armilla/tables';
import type { DataType, Schema } from 'apache-arrow';
import { workerModule } from '../ops/module.js';
import type { JudgedPairs, LeftPart, PairBlock } from '../parts.js';
import { Payload } from '../result/payload.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import { type MemoryLoan, SharedMemory } from '../shared-memory.js';
import type { KeptPairs } from './one-to-one.js';
import type { PairShape } from './pair-blocks.js';
import type { OrderedRange, RangeTask } from './range-order.js';
import { wordWidth } from './words.js';

/** Pairs of a match in scratch files, by the ranges of their left rows. */
export interface PairFiles {
  readonly pairs: BlockFile;
  readonly counts: BlockFile | undefined;
  readonly shape: PairShape;
  /** The right columns under their names. */
  readonly rightSchema: Schema;
  /** By range, in the order of the buckets. */
  readonly pairBlocks: readonly (readonly Block[])[];
  readonly countBlocks: readonly (readonly Block[])[];
  /** Which pairs stay; all when undefined. */
  readonly kept?: KeptPairs;
}

/** The pairs of the left rows of `part`, which is range `range`, in order. */
export async function rangeBlock(
  files: PairFiles,
  range: number,
  part: LeftPart,
  memory: SharedMemory,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<PairBlock> {
  const { pairs, kept } = files;
  const blocks = files.pairBlocks[range] ?? [];
  const pairCount = blocks.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const loan = memory.loan();
  const task: RangeTask = {
    lanes: pairs.shared.lanes,
    blocks,
    schemaHeader: new MessageEncoder(pairs.schema).schemaMessage().header,
    firstRow: part.firstRow,
    rowCount: part.rowCount,
    range,
    kept,
    out: pairs.schema.fields.map(({ type }) => loan.bytes(pairCount * wordWidth(type as DataType))),
  };
  // Not to be left by a signal: the file stays open until the last read has ended.
  const ordered = await runtime.call<OrderedRange>(workerModule(), 'orderRange', [task]);
  signal.throwIfAborted();
  const counted = files.counts && (await countsOf(files.counts, files.countBlocks[range] ?? [], part, signal));
  return blockOf(ordered, files, part, counted, loan);
}

function blockOf(
  { left, columns }: OrderedRange,
  { pairs: { schema }, shape, rightSchema }: PairFiles,
  part: LeftPart,
  counted: Awaited<ReturnType<typeof countsOf>> | undefined,
  loan: MemoryLoan,
): PairBlock {
  const pairCount = left.length;
  const all =
    columns.length > 0 ? columns.map((column, i) => unpackColumn(schema.fields[i + 1].type as DataType, column)) : [];
  const numbers = <T>(at: number): T => (all[at]?.values ?? new Int32Array(0)) as T;
  const rankAt = 1 + Number(shape.rightRow) + Number(shape.key);
  const judgedAt = rankAt + (shape.rank ? 1 : 0);
  const positionsAt = judgedAt + shape.judged.length;
  const payload = Payload.create(rightSchema, { rowCount: pairCount });
  if (all.length > 0)
    payload.append(recordBatch(rightSchema, all.slice(positionsAt + (shape.positions ? 2 : 0)), pairCount));
  payload.seal();
  const pairs: JudgedPairs = {
    pairCount,
    left,
    right: consecutive(pairCount),
    separationArcsec: numbers<Float64Array>(0),
    rank: shape.rank ? numbers<Int32Array>(rankAt) : undefined,
    key: undefined,
    neighbourCount: undefined,
    secondSeparationArcsec: undefined,
    status:
      shape.judged.length > 0 && part.pieces.length > 0
        ? positionStatuses(part.positions)
        : new Uint8Array(part.rowCount),
    usableCount: part.rowCount,
    candidateCount: 0,
    cellCount: 0,
    judged:
      shape.judged.length > 0
        ? new Map(shape.judged.map((name, i) => [name, numbers<Float64Array>(judgedAt + i)]))
        : undefined,
    ...counted,
    release: () => loan.end(),
  };
  const positions = shape.positions
    ? { ra: numbers<Float64Array>(positionsAt), dec: numbers<Float64Array>(positionsAt + 1) }
    : undefined;
  const rightRows = {
    rowCount: pairCount,
    payload,
    rows: shape.rightRow ? numbers<Int32Array>(1) : undefined,
    positions,
  };
  return { part, from: 0, to: part.rowCount, pairs, sorted: true, paired: true, rightRows };
}

let ascending: Int32Array = new Int32Array(0);

/** [count] 0, 1, 2, ...; for reading only, in shared memory. */
function consecutive(count: number): Int32Array {
  if (ascending.length < count) {
    ascending = new Int32Array(new SharedArrayBuffer(4 * Math.ceil(1.25 * count)));
    for (let i = 0; i < ascending.length; i++) ascending[i] = i;
  }
  return ascending.subarray(0, count);
}

/** Neighbours and second separations of the rows of `part`: none of those that came near no right row. */
async function countsOf(
  file: BlockFile,
  blocks: readonly Block[],
  { firstRow, rowCount, positions }: LeftPart,
  signal: AbortSignal,
): Promise<Pick<ChunkPairs, 'neighbourCount' | 'secondSeparationArcsec' | 'status'>> {
  const neighbourCount = new Int32Array(rowCount);
  const secondSeparationArcsec = new Float64Array(rowCount).fill(NaN);
  for await (const { data } of file.read(blocks, new SharedMemory().loan(), { signal })) {
    const [left, count, second] = data.children.map(({ values }) => values as Int32Array | Float64Array);
    for (let i = 0; i < left.length; i++) {
      neighbourCount[left[i] - firstRow] = count[i];
      secondSeparationArcsec[left[i] - firstRow] = second[i];
    }
  }
  return { neighbourCount, secondSeparationArcsec, status: positionStatuses(positions) };
}

import { fail, formatBytes, isProblem, type RowReason } from '@armilla/base';
import type { TableReader } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import { inOrder } from '../ahead.js';
import type { PositionColumns } from '../columns.js';
import type { RowSet } from '../join.js';
import { DEFAULT_MAX_PAIRS } from '../options.js';
import { RowInspector } from '../positions.js';
import type { MatchHead } from '../prepared.js';
import { plainSchema, subSchema } from '../result/payload.js';
import { type Recentering, recenteringOf, sampleOf } from '../trust/recenter.js';
import type { Vector3 } from '../trust/tangent.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import { SharedMemory } from '../shared-memory.js';
import { type JoinedBucket, joinBucket, type JoinSetup } from './bucket-join.js';
import type { Judging } from './bucket-judge.js';
import { BucketNeighbours } from './bucket-neighbours.js';
import { type BucketRows, type PartitionedTable, readBucket } from './bucket-rows.js';
import type { Buckets } from './buckets.js';
import { JoinTurns } from './join-turns.js';
import { addUsed, USED_SCHEMA } from './pair-blocks.js';
import { partitionTable } from './partition.js';
import { partitionedSchema } from './partition-run.js';
import { shapeOf } from './table-shape.js';
import type { Scratch } from './scratch.js';
import type { SpillPlan } from './spill-plan.js';
import type { JoinCut } from './spilled-match.js';

/** A match that goes by way of the scratch folder. */
export interface SpilledMatch extends Omit<MatchHead, 'right' | 'left'> {
  readonly left: TableReader;
  readonly right: TableReader;
  readonly rightColumns: PositionColumns;
  readonly cut: JoinCut;
  readonly scratch: Scratch;
  /** Undefined where the radius decides. */
  readonly judging: Judging | undefined;
  /** Whether a later process can go on. */
  readonly canResume: boolean;
  /** Keep the folder after the last row. */
  readonly keep: boolean;
}

/** What came of reading a table into the scratch folder. */
export interface PartitionRecord {
  readonly rowCount: number;
  readonly byteLengths: readonly number[];
  readonly blocks: readonly Block[];
  readonly rejectedRowCount: number;
  readonly filteredRowCount: number;
  readonly missingMotionRowCount: number;
  readonly rejectedByReason: Readonly<Partial<Record<RowReason, number>>>;
  readonly misfits: readonly (readonly [string, number])[];
}

/** What came of a bucket, and where the files ended behind it. */
interface BucketRecord extends JoinedBucket {
  readonly pairBytes: readonly number[];
  readonly countBytes: readonly number[] | undefined;
  readonly usedBytes: readonly number[] | undefined;
}

/** The steps of one match up to its pairs. What an earlier process has finished, and is still whole, is not done again. */
export class SpillSteps {
  resumedStepCount = 0;

  constructor(
    private readonly match: SpilledMatch,
    readonly buckets: Buckets,
    private readonly signal: AbortSignal,
  ) {}

  /** Reads one table into its buckets, with copies within so many times the reach of each row. */
  async partition(
    side: 'left' | 'right',
    copyReaches: number,
    turnArcsec: Vector3 | undefined,
    onRows: (rowCount: number) => void,
  ): Promise<PartitionedTable & { readonly record: PartitionRecord }> {
    const { match, signal, buckets } = this;
    const { scratch, context, options } = match;
    const reader = match[side];
    const columns = side === 'left' ? match.leftColumns : match.rightColumns;
    const shape = shapeOf(match, side);
    const schema = partitionedSchema(reader.schema, shape);
    const own = { shape, schema: plainSchema(subSchema(reader.schema, shape.names)) };
    const known = await this.#finished(side, schema);
    if (known) return { ...own, ...known };
    const file = await scratch.file(side, schema, context.runtime.workerCount);
    const plan = match.plan.spill as SpillPlan;
    const ofTable = options.selfMatch === undefined ? side : 'left';
    const { onRejected } = context;
    const inspector = new RowInspector(ofTable, reader.where, columns, options.strict, onRejected, reader.skipped);
    const { rowCount, blocks, missingMotionRowCount } = await partitionTable({
      runtime: context.runtime,
      reader,
      columns,
      shape,
      buckets,
      turnArcsec,
      sorted: match.cut.reach[side],
      copyReaches,
      file,
      runRowCount: plan.runRowCount,
      groupRowCount: plan.groupRowCount,
      inspector,
      signal,
      onRows,
    });
    const { rejectedRowCount, rejectedByReason, filteredRowCount } = inspector;
    const misfits = [...reader.misfits];
    const { byteLengths } = file;
    const record: PartitionRecord = {
      rowCount,
      byteLengths,
      blocks,
      rejectedRowCount,
      rejectedByReason,
      filteredRowCount,
      missingMotionRowCount,
      misfits,
    };
    await scratch.record(side, record);
    return { ...own, file, rowCount, blocks: byPart(blocks), record };
  }

  /** How the left rows are turned; undefined where too few tell. */
  async recentering(right: PartitionedTable): Promise<Recentering | undefined> {
    const { scratch, left, leftColumns, options } = this.match;
    const known = scratch.resumed ? await scratch.recorded<{ recentering?: Recentering }>('recentering') : undefined;
    if (known) return known.recentering;
    const around = this.neighbours(right);
    try {
      const sample = await sampleOf(left, leftColumns, this.signal);
      const recentering = await recenteringOf(sample, around, options.radiusArcsec);
      await scratch.record('recentering', { recentering });
      return recentering;
    } finally {
      await around.settled();
    }
  }

  /** The right rows around any positions. */
  neighbours(right: PartitionedTable): BucketNeighbours {
    const { context, rightColumns, cut } = this.match;
    return new BucketNeighbours({
      runtime: context.runtime,
      right,
      columns: rightColumns.astrometry,
      sorted: cut.reach.right,
      buckets: this.buckets,
      cellRowCount: context.execution?.cellRowCount,
      chunkRowCount: (this.match.plan.spill as SpillPlan).chunkRowCount,
      signal: this.signal,
    });
  }

  /** The buckets that are done, from the first on; their right rows are added to `used`, where all pairs stay. */
  async finishedBuckets(
    schemas: { readonly pairs: Schema; readonly counts: Schema | undefined },
    right: PartitionedTable,
    used: RowSet | undefined,
  ) {
    const { scratch, context } = this.match;
    const { workerCount } = context.runtime;
    const records: BucketRecord[] = [];
    while (scratch.resumed) {
      const record = await scratch.recorded<BucketRecord>(`bucket-${records.length}`);
      if (!record) break;
      records.push(record);
    }
    const last = records.at(-1);
    const pairs = await scratch.file('pairs', schemas.pairs, workerCount, last?.pairBytes);
    const counts = schemas.counts && (await scratch.file('counts', schemas.counts, workerCount, last?.countBytes));
    const usedFile = used && (await scratch.file('used', USED_SCHEMA, workerCount, last?.usedBytes));
    const whole =
      (await this.#areWhole(pairs, records, ({ pairBlocks }) => pairBlocks)) &&
      (await this.#areWhole(counts, records, ({ countBlocks }) => countBlocks)) &&
      (await this.#areWhole(usedFile, records, ({ usedBlocks }) => usedBlocks));
    const done = whole ? records : [];
    if (used && usedFile) await this.#addUsed(usedFile, done, right, used);
    this.resumedStepCount += done.length;
    return { pairs, counts, usedRight: used && usedFile && { rows: used, file: usedFile }, records: done };
  }

  #areWhole(
    file: BlockFile | undefined,
    records: readonly BucketRecord[],
    blocksOf: (record: BucketRecord) => readonly Block[],
  ): Promise<boolean> {
    return file ? isWhole(file, records.flatMap(blocksOf), this.signal) : Promise.resolve(true);
  }

  /** Adds the right rows that finished buckets have used. */
  async #addUsed(
    file: BlockFile,
    records: readonly BucketRecord[],
    right: PartitionedTable,
    used: RowSet,
  ): Promise<void> {
    const memory = new SharedMemory();
    for (const [bucket, { usedBlocks }] of records.entries()) {
      const rows = await readBucket(this.match.context.runtime, right, right.blocks[bucket] ?? [], memory, this.signal);
      const loan = memory.loan();
      for await (const { data } of file.read(usedBlocks, loan, { signal: this.signal }))
        addUsed(data.children[0].values as Int32Array, rows.rows, used);
      for (const done of [loan, rows.positionLoan, rows.loan]) done.end();
    }
  }

  /** Joins the buckets that are not done yet, and adds them to `records`. */
  async join(
    setup: JoinSetup,
    right: PartitionedTable,
    records: BucketRecord[],
    onBucket: (record: BucketRecord, bucket: number) => void,
  ): Promise<void> {
    const { signal } = this;
    const { options, scratch, cut } = this.match;
    const first = records.length;
    const load = (bucket: number): Promise<BucketRows> =>
      readBucket(setup.runtime, right, right.blocks[bucket] ?? [], setup.memory, signal);
    async function* loaded(): AsyncGenerator<{ bucket: number; rows: BucketRows }> {
      for (let bucket = first; bucket < cut.intervals.length; bucket++) yield { bucket, rows: await load(bucket) };
    }
    const countsAll = options.find !== 'one-to-one' && options.selfMatch !== 'groups';
    const limit = !countsAll ? DEFAULT_MAX_PAIRS : (options.maxPairs ?? DEFAULT_MAX_PAIRS);
    let pairCount = records.reduce((sum, record) => sum + record.pairCount, 0);
    const turns = new JoinTurns(formatBytes(setup.runtime.memoryLimitBytes));
    const work = async ({ bucket, rows }: { bucket: number; rows: BucketRows }) => {
      const join = (own: BucketRows): Promise<JoinedBucket> => joinBucket(setup, bucket, own, limit - pairCount);
      const joined = await turns.run(
        () => join(rows),
        async () => join(await load(bucket)),
      );
      pairCount += joined.pairCount;
      if (pairCount > limit) throw fail('MAX_PAIRS_EXCEEDED', { estimated: `more than ${limit}`, limit });
      return { bucket, joined };
    };
    // While the pairs of one bucket are written the next is indexed.
    try {
      for await (const { bucket, joined } of inOrder(loaded(), work)) {
        const { pairs, counts, usedRight } = setup;
        const record: BucketRecord = {
          ...joined,
          pairBytes: pairs.byteLengths,
          countBytes: counts?.byteLengths,
          usedBytes: usedRight?.file.byteLengths,
        };
        await scratch.record(`bucket-${bucket}`, record);
        records.push(record);
        onBucket(record, bucket);
      }
    } finally {
      // Their files stay open until the last write has ended.
      await turns.settled();
    }
  }

  /** A table that an earlier process has read, if its file is still what it was. */
  async #finished(side: 'left' | 'right', schema: Schema) {
    const { scratch, context } = this.match;
    const record = scratch.resumed ? await scratch.recorded<PartitionRecord>(side) : undefined;
    // Rows that are to be listed have to be seen.
    if (!record || (context.onRejected && record.rejectedRowCount > 0)) return undefined;
    const file = await scratch.file(side, schema, context.runtime.workerCount, record.byteLengths);
    if (!(await isWhole(file, record.blocks, this.signal))) return undefined;
    this.resumedStepCount++;
    return { file, rowCount: record.rowCount, blocks: byPart(record.blocks), record };
  }
}

/** Blocks by their part, in the order in which they were written. */
export function byPart(blocks: readonly Block[]): Block[][] {
  const parts: Block[][] = [];
  for (const block of blocks) (parts[block.part] ??= []).push(block);
  return parts;
}

/** Whether the blocks are those that were written. */
async function isWhole(file: BlockFile, blocks: readonly Block[], signal: AbortSignal): Promise<boolean> {
  const memory = new SharedMemory();
  try {
    for (const block of blocks) {
      const loan = memory.loan();
      for await (const _ of file.read([block], loan, { check: true, signal }));
      loan.end();
    }
    return true;
  } catch (error) {
    if (isProblem(error) && error.reason === 'SCRATCH_FAILED') return false;
    throw error;
  }
}

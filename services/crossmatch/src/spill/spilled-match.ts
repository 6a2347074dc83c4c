import { stat } from 'node:fs/promises';
import type { TableReader } from '@armilla/tables';
import { type PositionColumns, positionColumns } from '../columns.js';
import type { MatchContext } from '../match.js';
import { needsJudge, resolveExecution, type ResolvedOptions } from '../options.js';
import { type Plan, planMatch } from '../plan.js';
import { MOST_MOTION_CLASSES } from '../refine/candidates.js';
import { comparesEpochs } from '../refine/epochs.js';
import { judgedColumns } from '../refine/pair-list.js';
import { epochWarnings, errorWarnings } from '../refine/warnings.js';
import { magnitudeField } from '../probability/pair-probabilities.js';
import { rowBytes as rowBytesOf } from '../result/batches.js';
import { type ResultLayout, resultLayout } from '../result/layout.js';
import { MatchStream } from '../stream.js';
import { checkCentrable } from '../trust/recenter.js';
import type { Judging } from './bucket-judge.js';
import { countRows } from './count-rows.js';
import { type BucketCut, bucketsOf, DeclinationCounts, reachOf } from './buckets.js';
import { identityOf } from './identity.js';
import {
  fittingCut,
  type JoinMemory,
  joinMemory,
  largestBucket,
  leastJoinBytes,
  memoryOverLimit,
  SPILLED_ROW_BYTES,
} from './join-memory.js';
import { COUNT_SCHEMA, isCounted, pairSchema, pairShape } from './pair-blocks.js';
import { measureReach, type PairReach, restingReach } from './reach.js';
import { sampledRates } from './sample-rate.js';
import { scanErrors } from './scan-errors.js';
import { GROUP_ROW_BYTES } from './spilled-groups.js';
import { isResumable, Scratch, type ScratchOptions } from './scratch.js';
import {
  fitsMemory,
  plannedPairCount,
  planSpill,
  scratchBytesOf,
  type SpillSizes,
  withLargestBucket,
} from './spill-plan.js';
import { type SpillRates, stepSeconds } from './spill-time.js';
import { SpilledPairs } from './spilled-pairs.js';
import { alongBytesOf, shapeOf } from './table-shape.js';

/** Two tables that are to be matched in a scratch folder, or one that is both. */
export interface SpilledTables {
  readonly left: TableReader;
  readonly right: TableReader;
  readonly options: ResolvedOptions;
  readonly context: MatchContext;
  readonly started: number;
  /** What the user should know about the result. */
  readonly warnings: readonly string[];
}

/** How the join is cut; recorded, so that it goes on with the same cut under other speed options. */
export interface JoinCut extends BucketCut {
  readonly rates: SpillRates;
  readonly leftRowCount: number | undefined;
  readonly rightRowCount: number;
  readonly rangeRowCount: number;
  readonly reach: PairReach;
}

/** What is known before the tables are read. */
interface Sizes {
  readonly layout: ResultLayout;
  readonly plan: Plan;
  readonly spill: SpillSizes;
  readonly memory: JoinMemory;
  readonly leftRowCount: number | undefined;
  /** Of what goes along with positions into the buckets. */
  readonly alongBytes: Record<'left' | 'right', number>;
  readonly judges: boolean;
  /** That the join may take. */
  readonly memoryBytes: number;
}

/** A match by way of the scratch folder; undefined where it stays in memory. Throws MEMORY_OVER_LIMIT and the problems of the folder. */
export async function spilledMatch(
  tables: SpilledTables,
  scratchOptions: ScratchOptions,
): Promise<MatchStream | undefined> {
  const { left, right, options, context, started, warnings } = tables;
  const leftColumns = positionColumns(left.schema, options.left, left.where, 'left', left.rowCount);
  const isSelf = options.selfMatch !== undefined;
  const rightColumns = isSelf
    ? leftColumns
    : positionColumns(right.schema, options.right, right.where, 'right', right.rowCount);
  const measures = options.probabilities?.priors.some(({ histogram }) => histogram === undefined);
  if (measures) return undefined;
  if (options.recenter) checkCentrable(leftColumns, rightColumns);
  const judging = judgingOf(tables, leftColumns, rightColumns);
  const sizes = sizesOf(
    tables,
    judging,
    {
      left: await rowCountOf(left, leftColumns, scratchOptions.inputs?.left, context),
      right: await rowCountOf(right, rightColumns, scratchOptions.inputs?.[isSelf ? 'left' : 'right'], context),
    },
    scratchOptions.use === 'always',
  );
  if (!sizes) return undefined;
  const identity = await identityOf(left, right, right.schema, options, scratchOptions);
  const scratch = await Scratch.open(scratchOptions, identity);
  const canResume = !Object.values(identity).includes('');
  let known: JoinCut | undefined;
  try {
    known = await scratch.recorded<JoinCut>('cut');
    // What was done with another cut is of no use.
    if (!known) await scratch.beginAnew();
    const cut = known ?? (await cutOf(tables, sizes, judging, leftColumns, rightColumns, scratch));
    const plan = await finalPlan(sizes, tables, cut, scratch);
    await scratch.record('cut', cut);
    const ofPairs = judging ? epochWarnings(judging.leftColumns, judging.rightColumns, options.radiusArcsec) : [];
    if (options.probabilities)
      ofPairs.push(...errorWarnings(await scanErrors(right, rightColumns, options.radiusArcsec, context)));
    const { layout } = sizes;
    const head = {
      layout,
      plan,
      left: isSelf ? undefined : left,
      leftColumns,
      right: { where: right.where, schema: right.schema, columns: rightColumns, rowCount: cut.rightRowCount },
      options,
      warnings: [...warnings, ...ofPairs],
      context,
      started,
    };
    const keep = scratchOptions.keep ?? false;
    const match = { ...head, left, right, rightColumns, scratch, judging, cut, canResume, keep };
    return new MatchStream(head, (signal, fairKey, onProgress) => new SpilledPairs(match, signal, fairKey, onProgress));
  } catch (error) {
    await (known && canResume && isResumable(error) ? scratch.close() : scratch.remove());
    throw error;
  }
}

/** Undefined where the join stays in memory. Throws MEMORY_OVER_LIMIT. */
function sizesOf(
  { left, right, options, context }: SpilledTables,
  judging: Judging | undefined,
  rowCounts: { readonly left: number | undefined; readonly right: number | undefined },
  always: boolean,
): Sizes | undefined {
  const { runtime } = context;
  const execution = resolveExecution(context.execution);
  const layout = resultLayout(left.schema, right.schema, options);
  const bytes = {
    left: rowBytesOf({ fields: left.schema.fields.filter(({ name }) => layout.leftNames.includes(name)) }),
    right: rowBytesOf({ fields: right.schema.fields.filter(({ name }) => layout.rightNames.includes(name)) }),
  };
  const counts = {
    leftRowCount: rowCounts.left,
    rightRowCount: rowCounts.right,
  };
  const plan = planMatch(options, execution, {
    ...counts,
    leftRowBytes: bytes.left,
    rightRowBytes: bytes.right,
    workerCount: runtime.workerCount,
    memoryLimitBytes: runtime.memoryLimitBytes,
  });
  const memoryBytes = execution.memoryBytes ?? Math.floor(runtime.memoryLimitBytes / 2);
  const threadCount = runtime.workerCount;
  const rightRows = { rightRowCount: counts.rightRowCount ?? 0, threadCount };
  if (!always && fitsMemory(plan, options, rightRows, memoryBytes)) return undefined;
  const judgedBytes = judging ? Float64Array.BYTES_PER_ELEMENT * judgedColumns(layout).length : 0;
  const alongBytes = {
    left: alongBytesOf(left.schema, shapeOf({ layout, judging, options }, 'left')),
    right: alongBytesOf(right.schema, shapeOf({ layout, judging, options }, 'right')),
  };
  const memoryInput = {
    leftAlongBytes: alongBytes.left,
    rightAlongBytes: alongBytes.right,
    judgedIndexCount: judgedIndexCount(judging),
    threadCount,
  };
  const spill = planSpill(options, execution, {
    ...memoryInput,
    leftRowCount: counts.leftRowCount ?? 0,
    rightRowCount: counts.rightRowCount ?? 0,
    leftRowBytes: bytes.left,
    rightRowBytes: bytes.right,
    judgedBytes,
    workerCount: plan.workerCount,
    memoryBytes,
    estimatedPairCount: plan.estimatedPairCount,
  });
  return {
    layout,
    plan,
    spill,
    memory: joinMemory(options, memoryInput),
    leftRowCount: counts.leftRowCount,
    alongBytes,
    judges: judging !== undefined,
    memoryBytes,
  };
}

/** What pairs are judged by; undefined where the radius decides alone. Throws OPTIONS_CONFLICT and the problems of conditions. */
function judgingOf(
  { left, right, options }: SpilledTables,
  { astrometry: leftColumns }: PositionColumns,
  { astrometry: rightColumns }: PositionColumns,
): Judging | undefined {
  if (!needsJudge(options)) return undefined;
  const magnitudes = options.probabilities?.priors.map(({ column }) => column) ?? [];
  for (const column of magnitudes) magnitudeField(right.schema, column, right.where);
  return { leftColumns, rightColumns, magnitudes, condition: options.condition?.forPairs(left.schema, right.schema) };
}

/** Indexes of a bucket that candidates are looked for in. */
function judgedIndexCount(judging: Judging | undefined): number {
  if (!judging) return 0;
  const { leftColumns, rightColumns } = judging;
  if (!comparesEpochs(leftColumns, rightColumns) || !rightColumns.motion) return 1;
  return leftColumns.epoch && 'year' in leftColumns.epoch ? 1 : MOST_MOTION_CLASSES;
}

/** Files below this share of the memory fit, however their rows look. */
const SMALL_SHARE = 1 / 32;

/** Rows of a table; an Arrow stream, which does not say, is read for that where it is large. */
async function rowCountOf(
  reader: TableReader,
  columns: PositionColumns,
  files: readonly string[] | undefined,
  { runtime, execution, signal }: MatchContext,
): Promise<number | undefined> {
  if (reader.rowCount !== undefined || files === undefined) return reader.rowCount;
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const memoryBytes = execution?.memoryBytes ?? runtime.memoryLimitBytes / 2;
  if (sizes.reduce((sum, size) => sum + size, 0) < memoryBytes * SMALL_SHARE) return undefined;
  return countRows(reader, columns, new DeclinationCounts(), runtime, signal);
}

/** Counts rows by declination, and cuts the buckets so. */
async function cutOf(
  { left, right, options, context }: SpilledTables,
  sizes: Sizes,
  judging: Judging | undefined,
  leftColumns: PositionColumns,
  rightColumns: PositionColumns,
  scratch: Scratch,
): Promise<JoinCut> {
  const { spill, judges } = sizes;
  const { runtime, signal } = context;
  const counts = new DeclinationCounts();
  const sides = { left: { reader: left, columns: leftColumns }, right: { reader: right, columns: rightColumns } };
  const reach = judges ? await measureReach(sides, options.radiusArcsec, context) : restingReach(options.radiusArcsec);
  if (reach.moves) counts.isComplete = false;
  const begun = performance.now();
  const rightRowCount = await countRows(right, rightColumns, counts, runtime, signal);
  const countSeconds = (performance.now() - begun) / 1000;
  // Where a bucket holds left rows as well they count as much.
  const leftRowCount =
    options.find === 'mutual' ? await countRows(left, leftColumns, counts, runtime, signal) : sizes.leftRowCount;
  // Of rows that move most have about the reach of those that stay.
  const reachDeg = reach.moves ? reachOf(reach.right.movingArcsec) : reach.mostDeg;
  const copiedDeg = reachDeg * (options.find === 'mutual' ? 2 : 1);
  const cut = fittingCut(counts, copiedDeg, spill.bucketRowCount, sizes.memory, sizes.memoryBytes);
  const sampled = await sampledRates({
    runtime,
    reader: right,
    columns: rightColumns,
    shape: shapeOf({ layout: sizes.layout, judging, options }, 'right'),
    buckets: bucketsOf(cut.intervals, 2 * reach.mostDeg),
    turnArcsec: undefined,
    sorted: reach.right,
    copyReaches: 1,
    groupRowCount: spill.groupRowCount,
    scratch,
    signal,
  });
  return {
    ...cut,
    rates: sampled ?? { secondsPerRow: countSeconds / Math.max(1, rightRowCount), secondsPerByte: 0 },
    reach,
    rightRowCount,
    leftRowCount,
    rangeRowCount: spill.rangeRowCount,
  };
}

/** The plan with what counting the rows has told; refuses what does not fit the disk. */
async function finalPlan(
  { plan, spill, memory, layout, alongBytes, judges, memoryBytes }: Sizes,
  { right, options }: SpilledTables,
  cut: JoinCut,
  scratch: Scratch,
): Promise<Plan> {
  const { selfMatch } = options;
  const groupBytes = selfMatch === 'groups' ? cut.rightRowCount * GROUP_ROW_BYTES : 0;
  const largestRowCount = largestBucket(cut);
  // A match that goes on has its buckets, however little memory there is now.
  const neededBytes = Math.max(groupBytes, leastJoinBytes(memory, largestRowCount));
  if (neededBytes > memoryBytes) throw memoryOverLimit(neededBytes, memoryBytes);
  const chunks = withLargestBucket(spill, memory, largestRowCount, memoryBytes);
  const leftRowCount = cut.leftRowCount ?? 0;
  const rightRowCount = cut.rowCounts.reduce((sum, count) => sum + count, 0);
  // Of groups no more pairs are kept than connect their rows.
  const mostPairs = selfMatch === 'groups' ? rightRowCount : Infinity;
  const estimatedPairCount = Math.min(plan.estimatedPairCount, mostPairs);
  const rows = {
    rightRowCount,
    // The rows of a table that is matched with itself are both sides.
    leftRowCount: selfMatch === undefined ? leftRowCount : 0,
    pairCount: Math.min(mostPairs, plannedPairCount(estimatedPairCount, leftRowCount)),
  };
  const scratchRows = {
    ...rows,
    rightAlongBytes: alongBytes.right,
    leftAlongBytes: alongBytes.left,
    pairBytes: rowBytesOf(pairSchema(pairShape(options, layout, right.schema, judges))),
    countBytes: isCounted(layout) ? rowBytesOf(COUNT_SCHEMA) : 0,
  };
  // There may be fewer pairs than planned, but not fewer rows.
  const leastBytes = scratchBytesOf({ ...scratchRows, pairCount: estimatedPairCount });
  if (!scratch.resumed) await scratch.check(leastBytes);
  const scratchBytes = scratchBytesOf(scratchRows);
  // Between no star in common and all of them.
  const likelyPairCount = (estimatedPairCount + rows.pairCount) / 2;
  const seconds = stepSeconds({
    ...rows,
    pairCount: likelyPairCount,
    rightBytes: SPILLED_ROW_BYTES + alongBytes.right,
    leftBytes: SPILLED_ROW_BYTES + alongBytes.left,
    pairBytes: scratchRows.pairBytes,
    columnCount: layout.columns.length,
    rates: cut.rates,
  });
  const plannedBytes = Math.max(chunks.memoryBytes, groupBytes);
  const cutInto = { bucketCount: cut.intervals.length, rangeRowCount: cut.rangeRowCount };
  const final = { ...chunks, ...cutInto, memoryBytes: plannedBytes, scratchBytes, seconds };
  return { ...plan, plannedBytes, bucketCount: cut.intervals.length, spill: final };
}

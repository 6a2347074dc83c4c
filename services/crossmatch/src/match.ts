import { fail } from '@armilla/base';
import type { Dispatcher, Runtime } from '@armilla/gpu-core';
import type { Positions, SkyIndex } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { Schema } from 'apache-arrow';
import { CatalogTable } from './catalog-table.js';
import { parseColumn } from './astrometry/quantity.js';
import { type PositionColumns, positionColumns } from './columns.js';
import { describedMatch, describedPosition } from './described-tables.js';
import { nearArea, skippedNote } from './filter/near-area.js';
import {
  type ExecutionOptions,
  type MatchOptions,
  needsJudge,
  resolveExecution,
  resolveOptions,
  type ResolvedOptions,
} from './options.js';
import { planMatch } from './plan.js';
import type { RejectedRow } from './positions.js';
import type { PreparedMatch } from './prepared.js';
import { MEASURED_COLUMNS, measuredPriors } from './probability/measured-priors.js';
import type { ResolvedProbabilities } from './probability/options.js';
import { magnitudeField } from './probability/pair-probabilities.js';
import { candidatesAmong } from './refine/match-finder.js';
import { epochWarnings, errorWarnings, largeErrors } from './refine/warnings.js';
import { rowBytes } from './result/batches.js';
import { chosenNames, resultLayout } from './result/layout.js';
import { MatchPairs } from './match-pairs.js';
import type { ScratchOptions } from './spill/scratch.js';
import { spilledMatch } from './spill/spilled-match.js';
import { MatchStream } from './stream.js';
import type { Progress } from './summary.js';
import { checkAssessable } from './trust/assess.js';
import { measureRecentering } from './trust/recenter.js';

/** What a match runs with. */
export interface MatchContext {
  readonly runtime: Runtime;
  /** Sends the search for pairs to a device where that is faster; it knows the operation sky.join. */
  readonly dispatcher?: Dispatcher;
  /** Whose budget of device memory it takes; default "default". */
  readonly tenant?: string;
  /** When the caller gives up, milliseconds since the epoch; default never. */
  readonly deadlineMs?: number;
  readonly execution?: ExecutionOptions;
  readonly signal?: AbortSignal;
  /** Rows of the left table, where its reader does not know. */
  readonly leftRowCount?: number;
  readonly rightRowCount?: number;
  /** Where a join may go that does not fit the memory; both tables must be files that can be read again. */
  readonly scratch?: ScratchOptions;
  readonly onProgress?: (progress: Progress) => void;
  readonly onRejected?: (row: RejectedRow) => void;
  /** Measure whether the match can be trusted: the summary tells. The rows are the same. */
  readonly assess?: boolean;
  /** Opens the left table once more, for `recenter`. */
  readonly openLeftAgain?: () => Promise<TableReader>;
}

/** The left table, or how to open it once the right one is loaded: of two tables in one stream the right comes first. */
export type LeftInput = TableReader | (() => Promise<TableReader>);

/**
 * Matches `left` with `right`. The right table is loaded before this returns, unless it is resident already; the left one
 * is read while the result is. Readers are closed at the end, also of a failed match; a resident table stays.
 */
export async function crossmatch(
  left: LeftInput,
  right: TableReader | CatalogTable,
  options: MatchOptions,
  context: MatchContext,
): Promise<MatchStream> {
  const started = performance.now();
  const owned: AsyncDisposable[] = [];
  let leftReader = typeof left === 'function' ? undefined : left;
  // All columns of the right table, of which only those that the result takes are loaded.
  const rightSchema = right.schema;
  try {
    const given = resolveOptions(options);
    if (given.selfMatch !== undefined)
      throw fail('OPTIONS_CONFLICT', { detail: 'self_match takes one table, not two' });
    if (context.assess) checkAssessable(given.radiusArcsec);
    const resident = right instanceof CatalogTable;
    const described = describedMatch(given, leftReader ?? NOT_DESCRIBED, resident ? NOT_DESCRIBED : right);
    const { warnings } = described;
    let resolved = described.options;
    // What is wrong with the columns should not wait for the right table.
    for (const { column } of resolved.probabilities?.priors ?? []) magnitudeField(rightSchema, column, right.where);
    if (leftReader) {
      const columns = positionColumns(leftReader.schema, resolved.left, leftReader.where, 'left', leftReader.rowCount);
      if (resolved.probabilities) checkErrors('left', columns);
      // What is measured on all rows of the table needs all of them.
      if (!context.assess && !resolved.recenter && !resolved.probabilities)
        leftReader = nearArea(leftReader, columns, resolved);
      if (resolved.columns) resultLayout(leftReader.schema, rightSchema, resolved);
      resolved.condition?.forPairs(leftReader.schema, rightSchema);
    }
    if (context.scratch && leftReader && !resident) {
      const tables = { left: leftReader, right, options: resolved, context, started, warnings };
      const spilled = await spilledMatch(tables, context.scratch);
      if (spilled) return spilled;
    }
    const rightTable = resident
      ? await residentFor(right, resolved, context.signal)
      : await loadRight(right, resolved, context);
    if (!resident) owned.push(rightTable);
    const recentering = resolved.recenter ? await measureRecentering(rightTable, resolved, context) : undefined;
    if (resolved.probabilities?.priors.some(({ histogram }) => histogram === undefined))
      resolved = await withMeasuredPriors({ right: rightTable, rightSchema, resident, recentering }, resolved, context);
    leftReader ??= await (left as () => Promise<TableReader>)();
    const leftColumns = positionColumns(
      leftReader.schema,
      resolved.left,
      leftReader.where,
      'left',
      leftReader.rowCount,
    );
    return inMemory({
      ...planned(rightTable, rightSchema, resolved, context, leftReader, resident),
      ...(await judged(rightTable, leftColumns, resolved, context, resident, warnings)),
      condition: resolved.condition?.forPairs(leftReader.schema, rightSchema),
      recentering,
      left: leftReader,
      leftColumns,
      right: rightTable,
      options: resolved,
      context,
      owned,
      started,
      resident,
    });
  } catch (error) {
    await closeAll(leftReader, right, owned);
    throw error;
  }
}

/** A table that comes later, or that was stored, says nothing of itself. */
const NOT_DESCRIBED = { position: undefined, schema: new Schema(), where: '' };

/** Matches a table with itself: `selfMatch` of the options says whether as pairs or as groups (default pairs). */
export async function selfMatch(
  table: TableReader | CatalogTable,
  options: MatchOptions,
  context: MatchContext,
): Promise<MatchStream> {
  const started = performance.now();
  const owned: AsyncDisposable[] = [];
  try {
    const given = resolveOptions({ ...options, selfMatch: options.selfMatch ?? 'pairs' });
    const resident = table instanceof CatalogTable;
    const resolved = resident ? given : { ...given, left: describedPosition(given.left, table) };
    if (context.assess)
      throw fail('OPTIONS_CONFLICT', { detail: 'a match of a table with itself has no counterparts to assess' });
    if (context.scratch && !resident) {
      const tables = { left: table, right: table, options: resolved, context, started, warnings: [] };
      const spilled = await spilledMatch(tables, context.scratch);
      if (spilled) return spilled;
    }
    const loaded = resident
      ? await residentFor(table, resolved, context.signal)
      : await loadRight(table, resolved, context);
    if (!resident) owned.push(loaded);
    return inMemory({
      ...planned(loaded, table.schema, resolved, context, undefined, resident),
      ...(await judged(loaded, loaded.columns, resolved, context, resident)),
      condition: resolved.condition?.forPairs(table.schema, table.schema),
      recentering: undefined,
      left: undefined,
      leftColumns: loaded.columns,
      right: loaded,
      options: resolved,
      context,
      owned,
      started,
      resident,
    });
  } catch (error) {
    await closeAll(undefined, table, owned);
    throw error;
  }
}

/** What a match needs whose pairs are judged one by one. */
async function judged(
  right: CatalogTable,
  leftColumns: PositionColumns,
  options: ResolvedOptions,
  { runtime, execution, signal }: MatchContext,
  resident: boolean,
  known: readonly string[] = [],
): Promise<Pick<PreparedMatch, 'candidates' | 'warnings'>> {
  if (options.probabilities) {
    checkErrors('left', leftColumns);
    checkErrors('right', right.columns);
  }
  // The index of a stored table has the rows that its filter leaves out.
  const indexHasAll = !(resident && right.filtered);
  if (!needsJudge(options) && indexHasAll) return { candidates: undefined, warnings: known };
  const { positions, astrometry } = right;
  const tables = {
    right: { positions: positions as Positions, astrometry },
    leftColumns: leftColumns.astrometry,
    rightColumns: right.columns.astrometry,
  };
  const warnings = [
    ...known,
    ...epochWarnings(tables.leftColumns, tables.rightColumns, options.radiusArcsec),
    ...(options.probabilities ? errorWarnings(largeErrors(astrometry, options.radiusArcsec)) : []),
  ];
  const build = { cellRowCount: execution?.cellRowCount, signal };
  return { candidates: await candidatesAmong(runtime, right.index as SkyIndex, tables, build), warnings };
}

/** Matches once by position alone, and measures the magnitudes of what is secure. Throws OPTIONS_CONFLICT where the left table cannot be read twice. */
async function withMeasuredPriors(
  {
    right,
    rightSchema,
    resident,
    recentering,
  }: Pick<PreparedMatch, 'right' | 'resident' | 'recentering'> & { readonly rightSchema: Schema },
  options: ResolvedOptions,
  context: MatchContext,
): Promise<ResolvedOptions> {
  const probabilities = options.probabilities as ResolvedProbabilities;
  const left = await context.openLeftAgain?.();
  if (!left)
    throw fail('OPTIONS_CONFLICT', {
      detail: 'magnitude_prior NAME=auto reads the left table twice: give a file, not a stream, or a histogram',
    });
  try {
    const leftColumns = positionColumns(left.schema, options.left, left.where, 'left', left.rowCount);
    const first: ResolvedOptions = {
      ...options,
      join: 'inner',
      order: 'left',
      columns: MEASURED_COLUMNS,
      probabilities: { ...probabilities, priors: [] },
    };
    const quiet = { ...context, onRejected: undefined, onProgress: undefined, assess: false };
    await using pairs = inMemory({
      ...planned(right, rightSchema, first, quiet, left, resident),
      ...(await judged(right, leftColumns, first, quiet, resident)),
      condition: options.condition?.forPairs(left.schema, rightSchema),
      recentering,
      left,
      leftColumns,
      right,
      options: first,
      context: quiet,
      owned: [],
      started: performance.now(),
      resident,
    });
    return {
      ...options,
      probabilities: { ...probabilities, priors: await measuredPriors(probabilities, right, pairs) },
    };
  } finally {
    await left.close();
  }
}

/** Probabilities need to know how well both rows of a pair are measured. */
function checkErrors(side: 'left' | 'right', { astrometry }: PositionColumns): void {
  if (astrometry.error) return;
  throw fail('OPTIONS_CONFLICT', {
    detail: `probabilities need position errors of both tables: give ${side}_error, or those of ellipses or axes`,
  });
}

function inMemory(match: PreparedMatch): MatchStream {
  return new MatchStream(match, (signal, fairKey, onProgress) => new MatchPairs(match, signal, fairKey, onProgress));
}

function planned(
  right: CatalogTable,
  rightSchema: Schema,
  options: ResolvedOptions,
  context: MatchContext,
  left: TableReader | undefined,
  rightIsResident: boolean,
) {
  const execution = resolveExecution(context.execution);
  const layout = resultLayout(left?.schema ?? rightSchema, rightSchema, options);
  const plan = planMatch(options, execution, {
    leftRowCount: left ? (left.rowCount ?? context.leftRowCount) : right.rowCount,
    rightRowCount: right.rowCount,
    leftRowBytes: rowBytes({
      fields: (left?.schema ?? right.schema).fields.filter(({ name }) => layout.leftNames.includes(name)),
    }),
    rightRowBytes: rowBytes({ fields: right.schema.fields.filter(({ name }) => layout.rightNames.includes(name)) }),
    workerCount: context.runtime.workerCount,
    memoryLimitBytes: context.runtime.memoryLimitBytes,
    rightIsResident,
  });
  const note = skippedNote(left);
  return { layout, plan: note === undefined ? plan : { ...plan, notes: [...plan.notes, note] } };
}

function loadRight(reader: TableReader, options: ResolvedOptions, context: MatchContext): Promise<CatalogTable> {
  return CatalogTable.load(reader, {
    runtime: context.runtime,
    columns: options.selfMatch === undefined ? options.right : options.left,
    keep: keptNames(reader.schema, options),
    keepPositions: context.assess === true || options.recenter === true || needsRightPositions(options),
    table: options.selfMatch === undefined ? 'right' : 'left',
    strict: options.strict,
    cellRowCount: context.execution?.cellRowCount,
    tenant: context.tenant,
    signal: context.signal,
    rowCount: context.rightRowCount,
    onRejected: context.onRejected,
    onRows: (rightRowCount) =>
      context.onProgress?.({ stage: 'index', leftRowCount: 0, rightRowCount, resultRowCount: 0, fraction: undefined }),
  });
}

/** Columns of the right table that the result or a condition on pairs can need. */
function keptNames(schema: Schema, options: ResolvedOptions): string[] {
  const { condition, selfMatch, probabilities } = options;
  const sides = selfMatch === undefined ? (['right'] as const) : (['left', 'right'] as const);
  const magnitudes = (probabilities?.priors ?? []).map(({ column }) => column);
  const conditions = condition ? sides.flatMap((side) => condition.columnsFor(side, schema)) : [];
  return [...new Set([...chosenNames(schema, 'right', options), ...conditions, ...magnitudes])];
}

/** Positions in row order: for the reverse search, for a table that is its own left side, for the deltas, and for judging pairs. */
function needsRightPositions(options: ResolvedOptions): boolean {
  const { find, selfMatch: self, columns } = options;
  return (
    needsJudge(options) ||
    find === 'mutual' ||
    self !== undefined ||
    (columns ?? []).some((name) => name.startsWith('delta_'))
  );
}

/** A stored table as the match sees it: its index is that of its own columns, and what else is known of its rows may be named. */
async function residentFor(
  table: CatalogTable,
  options: ResolvedOptions,
  signal: AbortSignal | undefined,
): Promise<CatalogTable> {
  const given = options.selfMatch === undefined ? options.right : options.left;
  for (const role of ['ra', 'dec'] as const) {
    if (given[role] && parseColumn(given[role], 'position').name !== table.columns[role]) {
      throw fail('OPTIONS_CONFLICT', {
        detail: `${table.where} is indexed by its column '${table.columns[role]}', not by '${given[role]}'`,
      });
    }
  }
  if (given.frame !== undefined && given.frame !== table.columns.frame)
    throw fail('OPTIONS_CONFLICT', {
      detail: `${table.where} is indexed in the frame ${table.columns.frame}, not ${given.frame}`,
    });
  if (!table.index) throw new TypeError('the table was loaded without an index');
  // What the table was stored with counts where it is asked for: a filter alone changes no pair.
  const described = needsJudge(options) ? table.describedBy(given) : table.undescribed();
  const filtered = await described.filteredBy(given, options.selfMatch === undefined ? 'right' : 'left', signal);
  if (options.strict && filtered.rejectedRowCount > 0) {
    const [reason] = Object.keys(filtered.rejectedByReason);
    throw fail('BAD_ROW', {
      where: filtered.where,
      row: '?',
      reason,
      column: `${filtered.columns.ra}, ${filtered.columns.dec}`,
      got: `${filtered.rejectedRowCount} such rows`,
    });
  }
  return filtered;
}

async function closeAll(
  left: TableReader | undefined,
  right: TableReader | CatalogTable,
  owned: readonly AsyncDisposable[],
): Promise<void> {
  await left?.close();
  if (!(right instanceof CatalogTable)) await right.close();
  for (const resource of owned) await resource[Symbol.asyncDispose]();
}

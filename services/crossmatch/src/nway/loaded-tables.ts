import { fail } from '@armilla/base';
import { positionStatuses, type Positions, RowStatus } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { CatalogTable } from '../catalog-table.js';
import type { FilteredSide } from '../options.js';
import { magnitudeField } from '../probability/pair-probabilities.js';
import { withinTurn } from '../refine/refined-finder.js';
import { residentReader, type ResidentTable, withColumnsOf } from '../stored-reader.js';
import type { ResolvedTables } from './options.js';
import { type AskedColumn, namesOf } from './tables-layout.js';
import type { TablesContext } from './tables-context.js';

/**
 * A table of a match: one to be read, one in memory, or how to open it once those before it have been read (of several tables
 * in one stream).
 */
export type TablesInput = TableReader | ResidentTable | (() => Promise<TableReader>);

/** All tables of a match in memory. */
export interface LoadedTables extends AsyncDisposable {
  readonly tables: readonly CatalogTable[];
  /** What messages call them. */
  readonly names: readonly string[];
  /** By table, right ascensions in [0, 360). */
  readonly positions: readonly Positions[];
  /** By table and row: whether it takes part. */
  readonly status: readonly Uint8Array[];
}

/** Has all tables in memory, indexed but for the first. Throws their problems, and OPTIONS_CONFLICT where errors are missing. */
export async function loadTables(
  inputs: readonly TablesInput[],
  options: ResolvedTables,
  asked: readonly AskedColumn[],
  context: TablesContext,
): Promise<LoadedTables> {
  const tables: CatalogTable[] = [];
  const names: string[] = [];
  const owned: CatalogTable[] = [];
  const progress = new LoadProgress(context.onProgress);
  try {
    for (const [k, input] of inputs.entries()) {
      const isAsked = isResident(input) && isAsStored(input.table, options.sides[k], options.strict);
      const table = isAsked ? input.table : await load(k, input, options, asked, progress, context);
      if (!isAsked) owned.push(table);
      tables.push(table);
      names.push(isResident(input) ? input.where : table.where);
      progress.end(k, table.rowCount);
    }
  } catch (error) {
    for (const table of owned) await table.dispose();
    throw error;
  }
  const positions = tables.map((table) => withinTurn(table.positions as Positions));
  return {
    tables,
    names,
    positions,
    status: positions.map(positionStatuses),
    [Symbol.asyncDispose]: async () => {
      for (const table of owned) await table.dispose();
    },
  };
}

/** Throws what is wrong with the columns that the options name, as far as the schema of table `k` tells. */
export function checkNames(
  k: number,
  { schema, where }: Pick<TableReader, 'schema' | 'where'>,
  { priors }: ResolvedTables,
  asked: readonly AskedColumn[],
): void {
  namesOf(asked, k, schema);
  for (const { column, histogram } of priors?.[k].magnitudes ?? []) {
    magnitudeField(schema, column, where);
    if (!histogram)
      throw fail('OPTIONS_CONFLICT', {
        detail: `magnitude_prior ${column}=auto is for two tables: give a histogram`,
      });
  }
}

export const isResident = (input: TablesInput): input is ResidentTable => 'table' in input;

/** Whether a table in memory can be matched as it is: all of its rows, by the positions that it was indexed by. */
export function isAsStored({ columns, rejectedRowCount }: CatalogTable, side: FilteredSide, strict: boolean): boolean {
  const { ra, dec, frame, ...rest } = side;
  if (Object.values(rest).some((value) => value !== undefined) || (strict && rejectedRowCount > 0)) return false;
  return (
    (ra ?? columns.ra) === columns.ra &&
    (dec ?? columns.dec) === columns.dec &&
    (frame ?? columns.frame) === columns.frame
  );
}

async function load(
  k: number,
  input: TablesInput,
  options: ResolvedTables,
  asked: readonly AskedColumn[],
  progress: LoadProgress,
  { runtime, signal, execution, onRejected }: TablesContext,
): Promise<CatalogTable> {
  const reader = typeof input === 'function' ? await input() : isResident(input) ? residentReader(input) : input;
  const side = isResident(input) ? withColumnsOf(input.table, options.sides[k]) : options.sides[k];
  try {
    checkNames(k, reader, options, asked);
    const magnitudes = (options.priors?.[k].magnitudes ?? []).map(({ column }) => column);
    const table = await CatalogTable.load(reader, {
      runtime,
      columns: side,
      keep: [...new Set([...namesOf(asked, k, reader.schema), ...magnitudes])],
      index: k > 0,
      strict: options.strict,
      cellRowCount: execution?.cellRowCount,
      signal,
      onRejected: (row) => onRejected?.({ ...row, table: k }),
      onRows: (count) => progress.tell(k, count),
    });
    if (!options.priors || table.columns.astrometry.error) return table;
    await table.dispose();
    throw fail('OPTIONS_CONFLICT', {
      detail: `probabilities need position errors of all tables: give ${k + 1}.error, or those of ellipses or axes`,
    });
  } finally {
    await reader.close();
  }
}

/** Rows of the first table, and of all others together, as they are read. */
class LoadProgress {
  #firstRowCount = 0;
  #othersRowCount = 0;

  constructor(private readonly onProgress: TablesContext['onProgress']) {}

  tell(k: number, rowCount: number): void {
    this.onProgress?.({
      stage: 'index',
      leftRowCount: k === 0 ? rowCount : this.#firstRowCount,
      rightRowCount: k === 0 ? 0 : this.#othersRowCount + rowCount,
      resultRowCount: 0,
      fraction: undefined,
    });
  }

  end(k: number, rowCount: number): void {
    this.tell(k, rowCount);
    if (k === 0) this.#firstRowCount = rowCount;
    else this.#othersRowCount += rowCount;
  }
}

/** Whether a row of a table takes part in a match. */
export function takesPart({ status }: LoadedTables, table: number, row: number): boolean {
  return status[table][row] === RowStatus.ok;
}

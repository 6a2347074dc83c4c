import { fail } from '@armilla/base';
import { positionStatuses, type Positions, RowStatus } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { CatalogTable } from '../catalog-table.js';
import type { MatchContext } from '../match.js';
import { withinTurn } from '../refine/refined-finder.js';
import type { ResolvedTables } from './options.js';
import type { TablesLayout } from './tables-layout.js';

/** All tables of a match in memory. */
export interface LoadedTables extends AsyncDisposable {
  readonly tables: readonly CatalogTable[];
  /** By table, right ascensions in [0, 360). */
  readonly positions: readonly Positions[];
  /** By table and row: whether it takes part. */
  readonly status: readonly Uint8Array[];
}

/** Reads all tables, indexed but for the first. Throws their problems, and OPTIONS_CONFLICT where errors are missing. */
export async function loadTables(
  readers: readonly TableReader[],
  options: ResolvedTables,
  layout: TablesLayout,
  { runtime, signal, execution, onRejected, onProgress }: MatchContext,
): Promise<LoadedTables> {
  const tables: CatalogTable[] = [];
  let readRowCount = 0;
  try {
    for (const [k, reader] of readers.entries()) {
      const magnitudes = (options.priors?.[k].magnitudes ?? []).map(({ column }) => column);
      const table = await CatalogTable.load(reader, {
        runtime,
        columns: options.sides[k],
        keep: [...new Set([...layout.names[k], ...magnitudes])],
        index: k > 0,
        strict: options.strict,
        cellRowCount: execution?.cellRowCount,
        signal,
        onRejected: k < 2 ? (row) => onRejected?.({ ...row, table: k === 0 ? 'left' : 'right' }) : onRejected,
        onRows: (count) =>
          onProgress?.({
            stage: 'index',
            leftRowCount: 0,
            rightRowCount: readRowCount + count,
            resultRowCount: 0,
            fraction: undefined,
          }),
      });
      tables.push(table);
      readRowCount += table.rowCount;
      if (options.priors && !table.columns.astrometry.error)
        throw fail('OPTIONS_CONFLICT', {
          detail: `probabilities need position errors of all tables: give ${k + 1}.error, or those of ellipses or axes`,
        });
    }
  } catch (error) {
    for (const table of tables) await table.dispose();
    throw error;
  }
  const positions = tables.map((table) => withinTurn(table.positions as Positions));
  return {
    tables,
    positions,
    status: positions.map(positionStatuses),
    [Symbol.asyncDispose]: async () => {
      for (const table of tables) await table.dispose();
    },
  };
}

/** Whether a row of a table takes part in a match. */
export function takesPart({ status }: LoadedTables, table: number, row: number): boolean {
  return status[table][row] === RowStatus.ok;
}

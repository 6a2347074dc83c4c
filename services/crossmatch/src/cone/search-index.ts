import type { SkyIndex } from '@armilla/sky';
import { MAX_RADIUS_ARCSEC, separationOfKeyArcsec } from '@armilla/sky';
import { inSlices } from '../ahead.js';
import type { CatalogTable } from '../catalog-table.js';
import type { ConeContext } from './cone-search.js';
import { MovedRows } from './moved-rows.js';
import { nearestFirst } from './nearest-first.js';
import type { ResolvedCone } from './options.js';
import type { RowsInCone } from './rows-in-cone.js';

/** The rows of a table in memory that lie in the cone: the index finds them, and those that move are looked at one by one. */
export async function searchIndex(
  table: CatalogTable,
  { cone, condition, table: options, atYear, limit = Infinity }: ResolvedCone,
  { where = table.where, signal }: ConeContext,
): Promise<RowsInCone> {
  const described = atYear === undefined ? table.undescribed() : table.describedBy(options, undefined);
  const moved = atYear === undefined ? undefined : movedRows(described, atYear, where);
  const holds = condition?.forRows(table.schema, where).over(table.payload.batch(table.rowCount));
  const reach = moved ? await mostMove(moved, table.rowCount, signal) : 0;
  const pairs = await (table.index as SkyIndex).match(
    { ra: Float64Array.of(cone.raDeg), dec: Float64Array.of(cone.decDeg) },
    {
      radiusArcsec: Math.min(MAX_RADIUS_ARCSEC, cone.radiusArcsec + reach),
      minRadiusArcsec: 0,
      find: 'all',
      k: 1,
      order: 'left',
    },
    { signal },
  );
  const counts = {
    foundRowCount: pairs.pairCount,
    filteredRowCount: 0,
    missingMotionRowCount: 0,
    tableRowCount: table.rowCount,
    skippedRowCount: 0,
    rejectedRowCount: table.rejectedRowCount,
  };
  const rows = (at: Int32Array, separationArcsec: Float64Array): RowsInCone => ({
    payload: table.payload,
    at: at.subarray(0, limit),
    tableRow: at.subarray(0, limit),
    separationArcsec: separationArcsec.subarray(0, limit),
    counts,
    columns: described.columns,
  });
  if (!moved && !holds) return rows(pairs.right, pairs.separationArcsec);

  // Pairs stand by separation where they are, which is another one after a move: rows that come out alike stand by row.
  const candidates = moved ? pairs.right.slice().sort() : pairs.right;
  const at = new Int32Array(candidates.length);
  const values = new Float64Array(candidates.length); // keys of moved rows, else separations
  let count = 0;
  const look = (from: number, to: number): void => {
    for (let p = from; p < to; p++) {
      const row = candidates[p];
      let value = moved ? 0 : pairs.separationArcsec[p];
      if (moved) {
        moved.move(row);
        value = cone.keyOf(moved.ra, moved.dec);
        if (value < 0) continue;
      }
      if (holds && !holds(row)) {
        counts.filteredRowCount++;
        continue;
      }
      if (moved && !moved.has(row)) counts.missingMotionRowCount++;
      at[count] = row;
      values[count++] = value;
    }
  };
  await inSlices(candidates.length, signal, look, LOOK_SLICE_COUNT);
  counts.foundRowCount = count;
  if (!moved) return rows(at.subarray(0, count), values.subarray(0, count));
  const order = nearestFirst(values.subarray(0, count)).subarray(0, limit);
  return rows(
    order.map((p) => at[p]),
    Float64Array.from(order, (p) => separationOfKeyArcsec(values[p])),
  );
}

/** Rows whose condition and move are looked at between two breaths. */
const LOOK_SLICE_COUNT = 2 ** 12;

function movedRows({ positions, astrometry, columns }: CatalogTable, year: number, where: string): MovedRows {
  MovedRows.check(columns.astrometry, where);
  if (!positions) throw new TypeError('the table was loaded without its positions');
  return new MovedRows(positions, astrometry, columns.astrometry, year);
}

/** By how much the search has to reach beyond the cone for all rows that are in it when they have moved. */
async function mostMove(moved: MovedRows, rowCount: number, signal: AbortSignal | undefined): Promise<number> {
  let most = 0;
  const look = (from: number, to: number): void => {
    for (let row = from; row < to; row++) {
      const move = moved.mostMoveArcsec(row);
      if (move > most) most = move;
    }
  };
  await inSlices(rowCount, signal, look, 2 ** 15);
  return most;
}

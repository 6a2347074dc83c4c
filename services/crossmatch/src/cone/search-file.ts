import { fail, formatBytes } from '@armilla/base';
import type { TableReader } from '@armilla/tables';
import { breathe } from '../ahead.js';
import { neededColumns, positionColumns } from '../columns.js';
import { describedPosition } from '../described-tables.js';
import { readRows } from '../positions.js';
import type { ConeContext } from './cone-search.js';
import { coneSkipping } from './cone-skipping.js';
import { MovedRows } from './moved-rows.js';
import { NearestRows } from './nearest-rows.js';
import type { ResolvedCone } from './options.js';
import type { RowsInCone } from './rows-in-cone.js';

/** The rows of a table that lie in the cone, while it is read once. `names` are the columns that are kept of them. */
export async function searchFile(
  reader: TableReader,
  { cone, condition, table, atYear, limit = Infinity }: ResolvedCone,
  names: readonly string[],
  { runtime, signal, onRows }: ConeContext,
): Promise<RowsInCone> {
  // The condition is looked at where rows lie in the cone, not before.
  const { where: _, ...given } = table;
  const side = describedPosition(given, reader);
  const columns = positionColumns(reader.schema, side, reader.where, undefined, reader.rowCount);
  const rowCondition = condition?.forRows(reader.schema, reader.where);
  if (atYear !== undefined) MovedRows.check(columns.astrometry, reader.where);
  const wanted = [...new Set([...names, ...neededColumns(columns), ...(rowCondition?.columns ?? [])])];
  const nearest = new NearestRows(reader.schema, names, limit, { runtime, signal });
  let [firstRow, skippedRowCount, rejectedRowCount, filteredRowCount, missingMotionRowCount] = [0, 0, 0, 0, 0];
  const skipping = coneSkipping(cone, columns, atYear, (rowCount) => {
    skippedRowCount += rowCount;
    firstRow += rowCount;
  });
  try {
    for await (const batch of reader.batches({ columns: wanted, signal, skipping })) {
      signal?.throwIfAborted();
      const { positions, astrometry } = await readRows(batch, columns, reader.where, signal);
      const { ra, dec, nulls } = positions;
      const moved = atYear === undefined ? undefined : new MovedRows(positions, astrometry, columns.astrometry, atYear);
      const holds = rowCondition?.over(batch);
      const rows = new Int32Array(batch.numRows);
      const keys = new Float64Array(batch.numRows);
      let count = 0;
      for (let i = 0; i < batch.numRows; i++) {
        if (nulls?.[i] === 1 || !(dec[i] >= -90 && dec[i] <= 90) || ra[i] - ra[i] !== 0) {
          rejectedRowCount++;
          continue;
        }
        if (moved) {
          if (Math.abs(dec[i] - cone.decDeg) * 3600 > (cone.radiusArcsec + moved.mostMoveArcsec(i)) * MARGIN) continue;
          moved.move(i);
        }
        const key = moved ? cone.keyOf(moved.ra, moved.dec) : cone.keyOf(ra[i], dec[i]);
        if (key < 0) continue;
        if (holds && !holds(i)) {
          filteredRowCount++;
          continue;
        }
        if (moved && !moved.has(i)) missingMotionRowCount++;
        rows[count] = i;
        keys[count++] = key;
      }
      await nearest.add(batch, rows.subarray(0, count), keys.slice(0, count), firstRow);
      firstRow += batch.numRows;
      onRows?.(firstRow);
      if (nearest.bytes > runtime.memoryLimitBytes)
        throw fail('MEMORY_OVER_LIMIT', {
          needed: `more than ${formatBytes(nearest.bytes)} (for the ${nearest.foundRowCount} rows found so far)`,
          limit: formatBytes(runtime.memoryLimitBytes),
        });
      await breathe(signal);
    }
    const { foundRowCount } = nearest;
    return {
      ...nearest.finish(),
      columns,
      counts: {
        foundRowCount,
        filteredRowCount,
        missingMotionRowCount,
        tableRowCount: firstRow,
        skippedRowCount,
        rejectedRowCount,
      },
    };
  } catch (error) {
    nearest.dispose();
    throw error;
  }
}

/** Rounding may not tell a row away that is within the radius. */
const MARGIN = 1 + 1e-12;

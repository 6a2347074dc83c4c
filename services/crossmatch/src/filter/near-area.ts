import { formatCount } from '@armilla/base';
import { type Area, pixelsTouching } from '@armilla/sky';
import { type HatsPartition, HatsReader, rowCountOf, type TableReader } from '@armilla/tables';
import type { PositionColumns } from '../columns.js';
import type { ResolvedOptions } from '../options.js';

/** What has to be read of a catalog for an area. */
export interface AreaPlan {
  readonly partitionCount: number;
  /** Those that can have rows in the area, in order: no row in it lies in another one. */
  readonly touching: readonly HatsPartition[];
  /** Rows of all partitions, and of those that touch the area, where the catalog lists them. */
  readonly rowCount: number | undefined;
  readonly touchingRowCount: number | undefined;
}

/** Which partitions of a catalog touch an area, by their pixels alone; nothing is read. */
export function planArea(partitions: readonly HatsPartition[], area: Area): AreaPlan {
  const touches = pixelsTouching(area);
  const touching = partitions.filter(({ order, number }) => touches(order, number));
  return {
    partitionCount: partitions.length,
    touching,
    rowCount: rowCountOf(partitions),
    touchingRowCount: rowCountOf(touching),
  };
}

/**
 * The left table without the partitions that have no row in the area of a match, where the table is a HATS catalog; else the table. The
 * partitions of a catalog go by its own position, taken as ICRS.
 */
export function nearArea(
  table: TableReader,
  columns: PositionColumns,
  { left: { area } }: Pick<ResolvedOptions, 'left'>,
): TableReader {
  if (!area || !(table instanceof HatsReader)) return table;
  const { position } = table;
  const isOwn = columns.frame === 'icrs' && columns.ra === position?.ra && columns.dec === position.dec;
  const inDegrees = [columns.raReading, columns.decReading].every(({ factor, text }) => factor === 1 && !text);
  if (!isOwn || !inDegrees) return table;
  return table.only(planArea(table.catalog.partitions, area).touching);
}

/** How much of a table is read, for the plan; undefined for all of it. */
export function skippedNote(table: TableReader | undefined): string | undefined {
  if (!(table instanceof HatsReader) || !table.skipped) return undefined;
  const { skipped, keptPartitionCount, catalog, rowCount } = table;
  return (
    `${formatCount(keptPartitionCount)} of ${formatCount(catalog.partitions.length)} partitions of ${table.where} touch the area: ` +
    `${formatCount(rowCount)} of ${formatCount(rowCount + skipped.rowCount)} rows are read`
  );
}

import { columnsJson, PROGRAM, type StoredInput } from '../provenance.js';
import type { ConeResult, ConeSummary } from './cone-search.js';
import type { ResolvedCone } from './options.js';

/** JSON that says where the rows of a cone come from, with names as HTTP has them; the same in every run. */
export interface ConeProvenance {
  readonly program: string;
  readonly version: string;
  readonly operation: 'cone';
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly [Readonly<Record<string, unknown>>];
  readonly counts: Readonly<Record<string, unknown>>;
}

/** What is known of a result, all of it before its first row; `name` is that of a table that was read for it. */
export function coneProvenance(
  { options, summary }: ConeResult,
  stored: StoredInput | { readonly name: string },
): ConeProvenance {
  const input = 'digest' in stored ? { name: `table:${stored.name}`, content_digest: stored.digest } : stored;
  return {
    ...PROGRAM,
    operation: 'cone',
    options: optionsJson(options),
    inputs: [{ ...input, row_count: summary.tableRowCount, ...columnsJson(summary.columns) }],
    counts: coneCountsJson(summary),
  };
}

/** The counts that are the same for any number of workers. */
export function coneCountsJson(summary: ConeSummary): Readonly<Record<string, number | boolean>> {
  return {
    row_count: summary.rowCount,
    found_row_count: summary.foundRowCount,
    overflow: summary.overflow,
    filtered_row_count: summary.filteredRowCount,
    missing_motion_row_count: summary.missingMotionRowCount,
    table_row_count: summary.tableRowCount,
    skipped_row_count: summary.skippedRowCount,
    rejected_row_count: summary.rejectedRowCount,
  };
}

function optionsJson({
  raDeg,
  decDeg,
  radiusArcsec,
  columns,
  limit,
  atYear,
  table,
}: ResolvedCone): object & Record<string, unknown> {
  return {
    ra_degrees: raDeg,
    dec_degrees: decDeg,
    radius_arcsec: radiusArcsec,
    columns,
    row_limit: limit,
    at_julian_year: atYear,
    where: table.where,
  };
}

import { columnsJson, PROGRAM, type StoredInput } from '../provenance.js';
import type { TablesStream, TablesSummary } from './match-tables.js';

/**
 * JSON that says where the rows of a match of several tables come from, as `matchProvenance` does for two; `stored` are the
 * tables that were there before.
 */
export function tablesProvenance(
  { options, inputs }: TablesStream,
  stored: readonly (StoredInput | undefined)[] = [],
): Readonly<Record<string, unknown>> {
  const { radiusArcsec, multi, join, priors, acceptableRatio, columns, strict, maxRows } = options;
  return {
    ...PROGRAM,
    operation: 'crossmatch',
    options: {
      radius_arcsec: radiusArcsec,
      multi,
      ...(multi !== 'combinations' && { join }),
      ...(priors && {
        acceptable_ratio: acceptableRatio,
        tables: priors.map(({ areaSquareDegrees, completeness, magnitudes }, k) => ({
          ...(k > 0 && { sky_area_square_degrees: areaSquareDegrees, completeness }),
          magnitude_priors: Object.fromEntries(
            magnitudes.map(({ column, histogram }) => [column, histogram?.toString()]),
          ),
        })),
      }),
      columns,
      strict,
      max_pairs: maxRows,
    },
    inputs: inputs.map(({ name, rowCount, columns: own }, k) => ({
      table: k + 1,
      ...(stored[k] ? { name: `table:${stored[k].name}`, content_digest: stored[k].digest } : { name }),
      row_count: rowCount,
      ...columnsJson(own),
    })),
  };
}

/** The counts of a summary that are the same in every run. */
export function tablesCountsJson({ rowCount, tables }: TablesSummary): Readonly<Record<string, unknown>> {
  return {
    row_count: rowCount,
    tables: tables.map((side) => ({
      row_count: side.rowCount,
      matched_row_count: side.matchedRowCount,
      unmatched_row_count: side.unmatchedRowCount,
      rejected_row_count: side.rejectedRowCount,
      filtered_row_count: side.filteredRowCount,
      rejected_by_reason: side.rejectedByReason,
      misfit_by_column: side.misfitByColumn,
    })),
  };
}

import { createRequire } from 'node:module';
import type { MatchStream } from './stream.js';
import type { ScaledColumn } from './astrometry/astrometry-columns.js';
import type { CoordinateReading, PositionColumns } from './columns.js';
import type { ResolvedOptions } from './options.js';
import type { MatchSummary, SideSummary } from './summary.js';

const { version } = createRequire(import.meta.url)('@armilla/crossmatch/package.json') as { version: string };

/** What every document begins with. */
export const PROGRAM = { program: 'armilla', version } as const;

/** JSON that says where the rows of a match come from, with names as HTTP has them. It holds nothing that differs between two runs. */
export interface MatchProvenance {
  readonly program: string;
  readonly version: string;
  readonly operation: 'crossmatch';
  /** Those that change the answer, with their defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The left table and, unless it is matched with itself, the right one. */
  readonly inputs: readonly InputProvenance[];
  readonly warnings?: readonly string[];
  /** What became of the rows; known when they are all written. */
  readonly counts?: Readonly<Record<string, unknown>>;
}

export interface InputProvenance {
  readonly table: 'left' | 'right';
  readonly name: string;
  readonly row_count?: number;
  readonly [more: string]: unknown;
}

/** A table that was there before the match, by the name that clients know: the path it was read from is not theirs to see. */
export interface StoredInput {
  readonly name: string;
  /** Of schema and values. */
  readonly digest: string;
}

/**
 * What is known of a match before its first row; `stored` is its right table, or the one that is matched with itself,
 * `storedLeft` its left one.
 */
export function matchProvenance(
  { options, guesses, inputs, warnings }: MatchStream,
  stored?: StoredInput,
  storedLeft?: StoredInput,
): MatchProvenance {
  const side = (table: 'left' | 'right'): InputProvenance => {
    const kept = table === 'right' || options.selfMatch !== undefined ? stored : storedLeft;
    return {
      table,
      ...(kept ? { name: `table:${kept.name}`, content_digest: kept.digest } : { name: inputs[table].name }),
      row_count: inputs[table].rowCount,
      ...columnsJson(guesses[table]),
    };
  };
  return {
    ...PROGRAM,
    operation: 'crossmatch',
    options: optionsJson(options),
    inputs: options.selfMatch === undefined ? [side('left'), side('right')] : [side('left')],
    ...(warnings.length > 0 && { warnings }),
  };
}

/** The counts of a summary that are the same for any number of workers, chunks and cells. */
export function countsJson(summary: MatchSummary, selfMatch: boolean): Readonly<Record<string, unknown>> {
  const { rowCount, pairCount, groupCount, left, right } = summary;
  return {
    row_count: rowCount,
    pair_count: pairCount,
    ...(groupCount > 0 && { group_count: groupCount }),
    left: sideCountsJson(left),
    ...(!selfMatch && { right: sideCountsJson(right) }),
  };
}

function sideCountsJson(side: SideSummary): object {
  return {
    row_count: side.rowCount,
    matched_row_count: side.matchedRowCount,
    unmatched_row_count: side.unmatchedRowCount,
    rejected_row_count: side.rejectedRowCount,
    filtered_row_count: side.filteredRowCount,
    rejected_by_reason: side.rejectedByReason,
    missing_motion_row_count: side.missingMotionRowCount,
    misfit_by_column: side.misfitByColumn,
  };
}

function optionsJson(options: ResolvedOptions): Readonly<Record<string, unknown>> {
  const { probabilities } = options;
  return {
    radius_arcsec: options.radiusArcsec,
    min_radius_arcsec: options.minRadiusArcsec,
    find: options.find,
    k: options.k,
    join: options.join,
    order: options.order,
    self_match: options.selfMatch,
    max_sigma: options.maxSigma,
    ...(probabilities && {
      probabilities: {
        right_area_square_degrees: probabilities.rightAreaSquareDegrees,
        completeness: probabilities.completeness,
        acceptable_ratio: probabilities.acceptableRatio,
        magnitude_priors: Object.fromEntries(
          probabilities.priors.map(({ column, histogram }) => [column, histogram?.toString()]),
        ),
      },
    }),
    columns: options.columns,
    suffixes: options.suffixes,
    strict: options.strict,
    recenter: options.recenter,
    max_pairs: options.maxPairs,
  };
}

/** The columns in use; values times `factor` are in the unit that the name says. */
export function columnsJson({ ra, dec, guessed, frame, raReading, decReading, astrometry }: PositionColumns): object {
  const { epoch, motion, error, radius } = astrometry;
  const given = (column: ScaledColumn | undefined): object | undefined =>
    column && { column: column.name, factor: column.factor };
  return {
    position: {
      guessed,
      frame,
      ra_degrees: coordinateJson(ra, raReading),
      dec_degrees: coordinateJson(dec, decReading),
    },
    epoch: epoch && ('year' in epoch ? { julian_year: epoch.year } : { column: epoch.column, scale: epoch.scale }),
    motion: motion && {
      guessed: motion.guessed,
      pm_ra_cosdec_mas_per_year: given(motion.pmRaCosdec),
      pm_dec_mas_per_year: given(motion.pmDec),
      parallax_mas: given(motion.parallax),
      radial_velocity_km_per_s: given(motion.radialVelocity),
      pm_ra_cosdec_error_mas_per_year: given(motion.pmRaCosdecError),
      pm_dec_error_mas_per_year: given(motion.pmDecError),
    },
    error:
      error &&
      (error.shape === 'constant'
        ? { shape: error.shape, arcsec: error.arcsec }
        : error.shape === 'circle'
          ? { shape: error.shape, radius_arcsec: given(error.radius) }
          : error.shape === 'ellipse'
            ? {
                shape: error.shape,
                major_arcsec: given(error.major),
                minor_arcsec: given(error.minor),
                angle_degrees: given(error.angle),
              }
            : {
                shape: error.shape,
                ra_cosdec_arcsec: given(error.ra),
                dec_arcsec: given(error.dec),
                correlation: error.correlation === undefined ? undefined : { column: error.correlation },
              }),
    radius_arcsec: given(radius),
  };
}

const coordinateJson = (column: string, { factor, text }: CoordinateReading): object => ({
  column,
  factor,
  ...(text && { sexagesimal: true }),
});

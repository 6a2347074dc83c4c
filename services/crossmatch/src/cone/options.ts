import { fail } from '@armilla/base';
import { Cone, MAX_RADIUS_ARCSEC, parseEpoch } from '@armilla/sky';
import { Condition } from '@armilla/tables';
import type { PositionColumnNames, SideOptions } from '../options.js';

/** What is known of the rows of a table that a cone is searched in. */
export type ConeTableOptions = PositionColumnNames &
  Pick<SideOptions, 'epoch' | 'pmRaCosdec' | 'pmDec' | 'parallax' | 'radialVelocity' | 'where'>;

/** Everything that changes the answer of a cone search. Degrees and arcsec; the centre in ICRS. */
export interface ConeOptions {
  /** Right ascension of the centre, of any turn. */
  readonly raDeg: number;
  /** Declination of the centre: [-90, 90]. */
  readonly decDeg: number;
  /** Largest separation, inclusive: (0, 648000]. */
  readonly radiusArcsec: number;
  readonly table?: ConeTableOptions;
  /** Result columns, in order: `NAME`, `table.NAME`, `table.*`, `separation_arcsec`, `table_row`. Default: all, and the separation. */
  readonly columns?: readonly string[];
  /** Rows at most, the nearest ones; 0 for the columns alone. Default: all. */
  readonly limit?: number;
  /** Compare the rows where they stand at this epoch, such as `J2026.5`; needs their epoch and proper motions. */
  readonly atEpoch?: string;
}

/** Checked, and with the centre and the condition as they are worked with. */
export interface ResolvedCone extends Omit<ConeOptions, 'atEpoch'> {
  readonly table: ConeTableOptions;
  readonly cone: Cone;
  readonly condition: Condition | undefined;
  /** Julian year; undefined: rows are taken where the table has them. */
  readonly atYear: number | undefined;
}

/** Throws OPTION_INVALID, OPTIONS_CONFLICT, RADIUS_OUT_OF_RANGE and WHERE_INVALID. */
export function resolveCone(options: ConeOptions): ResolvedCone {
  const { raDeg, decDeg, radiusArcsec, table = {}, columns, limit, atEpoch } = options;
  if (!Number.isFinite(raDeg)) throw invalid('ra', 'a finite right ascension in degrees', raDeg);
  if (!(decDeg >= -90 && decDeg <= 90)) throw invalid('dec', 'a declination in [-90, 90] degrees', decDeg);
  if (!(radiusArcsec > 0 && radiusArcsec <= MAX_RADIUS_ARCSEC))
    throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: radiusArcsec });
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0))
    throw invalid('limit', 'a whole number of rows from 0', limit);
  if (columns?.some((name) => name === ''))
    throw invalid('columns', 'column names, none of them empty', `'${columns.join(',')}'`);
  const { where, epoch, pmRaCosdec, pmDec, parallax, radialVelocity } = table;
  const moving = [epoch, pmRaCosdec, pmDec, parallax, radialVelocity].some((name) => name !== undefined);
  if (moving && atEpoch === undefined)
    throw fail('OPTIONS_CONFLICT', {
      field: 'at_epoch',
      detail: 'epoch and motions of the table matter only with at_epoch, to which its rows are moved',
    });
  return {
    raDeg,
    decDeg,
    radiusArcsec,
    table,
    columns: columns?.length === 0 ? undefined : columns,
    limit,
    cone: new Cone(raDeg, decDeg, radiusArcsec),
    condition: where === undefined ? undefined : new Condition(where, 'where'),
    atYear: atEpoch === undefined ? undefined : year(atEpoch),
  };
}

function year(text: string): number {
  const found = parseEpoch(text);
  if (found === undefined) throw invalid('at_epoch', 'an epoch such as J2026.5 or MJD61000', `'${text.slice(0, 64)}'`);
  return found;
}

function invalid(field: string, expected: string, got: string | number): Error {
  return fail('OPTION_INVALID', { field, expected, got: String(got) });
}

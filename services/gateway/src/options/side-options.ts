import type { PositionColumns } from '@armilla/proto';

/** An option that either table has, under its name with `left_` or `right_` before it. */
export interface SideOption {
  readonly name: string;
  readonly sentence: string;
  readonly key: keyof PositionColumns;
  /** Characters of a value at most. Default 1024. */
  readonly maxLength?: number;
  /** Whether it belongs to a match, not to the table: a stored one does not take it. */
  readonly ofMatch?: boolean;
  /** Whether only a match of two tables has it: several are compared as they stand, within one radius. */
  readonly ofTwo?: boolean;
  /** Whether a cone search has it: of any table, or of one that is no stored one. */
  readonly inCone?: 'any' | 'file';
}

/** Characters of a condition, as the service reads them. */
export const WHERE_LENGTH = 2 ** 16;

/** Where positions stand and what else is known of rows. Columns are NAME, or NAME:UNIT where they have no unit. */
export const SIDE_OPTIONS: readonly SideOption[] = [
  {
    name: 'ra',
    key: 'ra',
    inCone: 'file',
    sentence: 'right ascension, in degrees or sexagesimal hours. Guessed when left out.',
  },
  {
    name: 'dec',
    key: 'dec',
    inCone: 'file',
    sentence: 'declination, in degrees or sexagesimal. Guessed when left out.',
  },
  { name: 'frame', key: 'frame', inCone: 'file', sentence: 'icrs (default), fk5, fk4, galactic or ecliptic.' },
  {
    name: 'epoch',
    ofTwo: true,
    key: 'epoch',
    inCone: 'any',
    sentence: 'when positions are valid: J2016.0, MJD57388.0, or a column as NAME:mjd, NAME:yr.',
  },
  {
    name: 'pm_ra_cosdec',
    ofTwo: true,
    key: 'pmRaCosdec',
    inCone: 'any',
    sentence: 'proper motion in right ascension, cos(dec) included, mas/yr. Guessed with an epoch.',
  },
  {
    name: 'pm_dec',
    ofTwo: true,
    key: 'pmDec',
    inCone: 'any',
    sentence: 'proper motion in declination, mas/yr. Guessed with an epoch.',
  },
  {
    name: 'parallax',
    ofTwo: true,
    key: 'parallax',
    inCone: 'any',
    sentence: 'parallax, mas; counts together with the radial velocity.',
  },
  { name: 'radial_velocity', ofTwo: true, key: 'radialVelocity', inCone: 'any', sentence: 'radial velocity, km/s.' },
  {
    name: 'pm_ra_cosdec_error',
    ofTwo: true,
    key: 'pmRaCosdecError',
    sentence: 'error of pm_ra_cosdec, mas/yr: position errors grow by it.',
  },
  { name: 'pm_dec_error', ofTwo: true, key: 'pmDecError', sentence: 'error of pm_dec, mas/yr.' },
  {
    name: 'error',
    key: 'error',
    sentence: 'position error of one sigma in any direction, as NAME:mas or NAME:arcsec; or of all rows, as 0.1arcsec.',
  },
  { name: 'error_major', key: 'errorMajor', sentence: 'major semi-axis of the error ellipse.' },
  { name: 'error_minor', key: 'errorMinor', sentence: 'minor semi-axis of the error ellipse.' },
  {
    name: 'error_angle',
    key: 'errorAngle',
    sentence: 'position angle of the major axis, from north through east, degrees.',
  },
  { name: 'error_ra', key: 'errorRa', sentence: 'error in right ascension, cos(dec) included.' },
  { name: 'error_dec', key: 'errorDec', sentence: 'error in declination.' },
  { name: 'error_correlation', key: 'errorCorrelation', sentence: 'correlation of error_ra and error_dec.' },
  {
    name: 'radius',
    ofTwo: true,
    key: 'radius',
    sentence: 'radius of each row, as NAME:arcsec: pairs lie within the sum of both, and within the radius.',
  },
  {
    name: 'where',
    key: 'where',
    inCone: 'any',
    maxLength: WHERE_LENGTH,
    ofMatch: true,
    sentence: "condition on its rows, such as mag < 18 AND class = 'star'; the others take no part.",
  },
];

/** What is known of one of several tables, under its name with the number of the table before it: `3.error`. */
export const TABLE_OPTIONS: readonly SideOption[] = SIDE_OPTIONS.filter(({ ofTwo }) => !ofTwo);

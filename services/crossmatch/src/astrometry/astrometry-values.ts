import type { Astrometry } from './astrometry.js';
import type { AstrometryColumns } from './astrometry-columns.js';

/** The values that an `Astrometry` has of each row. */
export type AstrometryField =
  | 'epoch'
  | 'pmRaCosdec'
  | 'pmDec'
  | 'parallax'
  | 'radialVelocity'
  | 'motionEast'
  | 'motionNorth'
  | 'errorEast'
  | 'errorNorth'
  | 'errorCross'
  | 'radiusArcsec';

/** What is read of the rows of a table with `columns`; `moves`: epochs and motions count. */
export function astrometryFields(
  { epoch, motion, error, radius }: AstrometryColumns,
  moves: boolean,
): readonly AstrometryField[] {
  const fields: AstrometryField[] = [];
  if (moves && epoch && 'column' in epoch) fields.push('epoch');
  if (moves && motion) {
    fields.push('pmRaCosdec', 'pmDec');
    if (motion.parallax) fields.push('parallax');
    if (motion.radialVelocity) fields.push('radialVelocity');
    if (motion.pmRaCosdecError || motion.pmDecError) fields.push('motionEast', 'motionNorth');
  }
  if (error) fields.push('errorEast', 'errorNorth', 'errorCross');
  if (radius) fields.push('radiusArcsec');
  return fields;
}

/** One column of numbers for each of `fields`. */
export function astrometryValues(
  { epoch, motions, motionVariances, covariances, radiusArcsec }: Astrometry,
  fields: readonly AstrometryField[],
): Float64Array[] {
  const values: Readonly<Record<AstrometryField, Float64Array | undefined>> = {
    epoch,
    pmRaCosdec: motions?.pmRaCosdec,
    pmDec: motions?.pmDec,
    parallax: motions?.parallax,
    radialVelocity: motions?.radialVelocity,
    motionEast: motionVariances?.east,
    motionNorth: motionVariances?.north,
    errorEast: covariances?.east,
    errorNorth: covariances?.north,
    errorCross: covariances?.cross,
    radiusArcsec,
  };
  return fields.map((field) => values[field] as Float64Array);
}

/** The reverse of `astrometryValues`. */
export function astrometryOf(fields: readonly AstrometryField[], values: readonly Float64Array[]): Astrometry {
  const of = (field: AstrometryField): Float64Array | undefined => values[fields.indexOf(field)];
  const [pmRaCosdec, pmDec] = [of('pmRaCosdec'), of('pmDec')];
  const [east, north, cross] = [of('errorEast'), of('errorNorth'), of('errorCross')];
  const [motionEast, motionNorth] = [of('motionEast'), of('motionNorth')];
  return {
    epoch: of('epoch'),
    motions:
      pmRaCosdec && pmDec
        ? { pmRaCosdec, pmDec, parallax: of('parallax'), radialVelocity: of('radialVelocity') }
        : undefined,
    motionVariances: motionEast && motionNorth ? { east: motionEast, north: motionNorth } : undefined,
    covariances: east && north && cross ? { east, north, cross } : undefined,
    radiusArcsec: of('radiusArcsec'),
  };
}

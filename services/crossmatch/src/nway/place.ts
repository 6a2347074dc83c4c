import type { MeasuredPlace, Positions } from '@armilla/sky';
import { separationArcsec } from '@armilla/sky';
import type { Covariances } from '../astrometry/astrometry.js';

const RADIANS = Math.PI / 180;

/** Positions of a table, and how well they are known. */
export interface MeasuredRows {
  readonly positions: Positions;
  readonly covariances: Covariances;
}

/** Where `row` of `table` lies as seen from row `origin` of `first`, east and north in arcsec, along the great circle between them. */
export function placeOf(first: MeasuredRows, origin: number, table: MeasuredRows, row: number): MeasuredPlace {
  const [ra1, dec1] = [first.positions.ra[origin], first.positions.dec[origin]];
  const [ra2, dec2] = [table.positions.ra[row], table.positions.dec[row]];
  const separation = separationArcsec(ra1, dec1, ra2, dec2);
  const [sin1, cos1] = [Math.sin(dec1 * RADIANS), Math.cos(dec1 * RADIANS)];
  const [sin2, cos2] = [Math.sin(dec2 * RADIANS), Math.cos(dec2 * RADIANS)];
  const sinRa = Math.sin((ra2 - ra1) * RADIANS);
  const half = Math.sin(((ra2 - ra1) * RADIANS) / 2);
  const rise = Math.sin((dec2 - dec1) * RADIANS);
  // The direction of the great circle at both ends, from north through east.
  const here = Math.atan2(cos2 * sinRa, rise + 2 * sin1 * cos2 * half * half);
  const there = Math.atan2(cos1 * sinRa, rise - 2 * sin2 * cos1 * half * half);
  const { east, north, cross } = table.covariances;
  // Axes there turn against those here on the way.
  const [sin, cos] = [Math.sin(here - there), Math.cos(here - there)];
  const [xx, yy, xy] = [east[row], north[row], cross[row]];
  return {
    x: separation * Math.sin(here),
    y: separation * Math.cos(here),
    covariance: {
      xx: cos * cos * xx + 2 * sin * cos * xy + sin * sin * yy,
      yy: sin * sin * xx - 2 * sin * cos * xy + cos * cos * yy,
      xy: sin * cos * (yy - xx) + (cos * cos - sin * sin) * xy,
    },
  };
}

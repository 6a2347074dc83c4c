import type { Cone } from '@armilla/sky';
import type { RowSkipping, ValueBounds } from '@armilla/tables';
import type { CoordinateReading, PositionColumns } from '../columns.js';

/** Degrees by which bounds are widened, against rounding. */
const SLACK_DEG = 1e-9;

/**
 * Which rows a cone needs not see, by the bounds of their coordinates; undefined where bounds tell nothing: of other frames, of
 * text, and of rows that move.
 */
export function coneSkipping(
  cone: Cone,
  { ra, dec, raReading, decReading, frame }: PositionColumns,
  atYear: number | undefined,
  onSkipped: (rowCount: number) => void,
): RowSkipping | undefined {
  if (frame !== 'icrs' || raReading.text || decReading.text || atYear !== undefined) return undefined;
  const radiusDeg = cone.radiusArcsec / 3600 + SLACK_DEG;
  const widthDeg = halfWidthDeg(cone.decDeg, radiusDeg) + SLACK_DEG;
  return {
    canSkip: (boundsOf) =>
      isApart(degrees(boundsOf(dec), decReading), cone.decDeg, radiusDeg) ||
      isApartOnCircle(degrees(boundsOf(ra), raReading), cone.raDeg, widthDeg),
    onSkipped,
  };
}

function degrees(bounds: ValueBounds | undefined, { factor }: CoordinateReading): ValueBounds | undefined {
  return bounds && { least: bounds.least * factor, most: bounds.most * factor };
}

function isApart(bounds: ValueBounds | undefined, centre: number, reach: number): boolean {
  return bounds !== undefined && (bounds.least > centre + reach || bounds.most < centre - reach);
}

/** The same on a circle of 360 degrees, of which bounds may be in any turn. */
function isApartOnCircle(bounds: ValueBounds | undefined, centre: number, reach: number): boolean {
  if (!bounds || !(reach < 180)) return false;
  // The turn of the centre that is the first at or after the lower bound less the reach.
  const turns = Math.ceil((bounds.least - reach - centre) / 360);
  return centre + turns * 360 > bounds.most + reach;
}

/** How far the right ascensions of a cone reach to either side of its centre; 180 where it holds a pole. */
function halfWidthDeg(decDeg: number, radiusDeg: number): number {
  if (Math.abs(decDeg) + radiusDeg >= 90) return 180;
  const [radius, dec] = [(radiusDeg * Math.PI) / 180, (decDeg * Math.PI) / 180];
  return (Math.asin(Math.min(1, Math.sin(radius) / Math.cos(dec))) * 180) / Math.PI;
}

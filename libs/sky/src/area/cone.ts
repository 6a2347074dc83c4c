import { fail } from '@armilla/base';
import { MAX_RADIUS_ARCSEC, normaliseRa, separationKey, separationKeyLimit } from '../separation/separation.js';
import { type Area, isPosition } from './area.js';

/** All positions within a radius of a centre, by the same expression that decides pairs. */
export class Cone implements Area {
  readonly #ra: number;
  readonly #limit: number;
  readonly #halfHeightDeg: number;

  constructor(
    readonly raDeg: number,
    readonly decDeg: number,
    readonly radiusArcsec: number,
  ) {
    if (!isPosition(raDeg, decDeg))
      throw fail('AREA_INVALID', {
        detail: `a cone needs a centre with a declination in [-90, 90], got ${raDeg}, ${decDeg}`,
      });
    if (!(radiusArcsec > 0 && radiusArcsec <= MAX_RADIUS_ARCSEC))
      throw fail('AREA_INVALID', {
        detail: `the radius of a cone must be in (0, 180] degrees, got ${radiusArcsec} arcsec`,
      });
    this.#ra = normaliseRa(raDeg);
    this.#limit = separationKeyLimit(radiusArcsec);
    this.#halfHeightDeg = (radiusArcsec / 3600) * (1 + 1e-12);
  }

  get text(): string {
    return `cone(${this.raDeg}, ${this.decDeg}, ${this.radiusArcsec}arcsec)`;
  }

  contains(raDeg: number, decDeg: number): boolean {
    return this.keyOf(raDeg, decDeg) >= 0;
  }

  /** The separation key of a position and the centre; -1 where it lies outside or is no position. */
  keyOf(raDeg: number, decDeg: number): number {
    // Most rows of a large table are told by their declination.
    if (!(Math.abs(decDeg - this.decDeg) <= this.#halfHeightDeg) || !isPosition(raDeg, decDeg)) return -1;
    const key = separationKey(this.#ra, this.decDeg, normaliseRa(raDeg), decDeg);
    return key <= this.#limit ? key : -1;
  }

  near(radiusArcsec: number): (raDeg: number, decDeg: number) => boolean {
    const wide = Math.min(MAX_RADIUS_ARCSEC, (this.radiusArcsec + radiusArcsec) * (1 + 1e-12));
    const cone = new Cone(this.raDeg, this.decDeg, wide);
    return (ra, dec) => cone.contains(ra, dec);
  }
}

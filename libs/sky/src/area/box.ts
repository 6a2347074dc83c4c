import { fail } from '@armilla/base';
import { normaliseRa } from '../separation/separation.js';
import { type Area, isPosition } from './area.js';

/** Right ascensions from `raFrom` eastwards to `raTo`, across 0 where need be, and declinations from `decFrom` to `decTo`. */
export class Box implements Area {
  readonly #from: number;
  /** Degrees from `raFrom` to `raTo` eastwards; 360 for all. */
  readonly #width: number;

  constructor(
    readonly raFrom: number,
    readonly decFrom: number,
    readonly raTo: number,
    readonly decTo: number,
  ) {
    if (!isPosition(raFrom, decFrom) || !isPosition(raTo, decTo) || decFrom > decTo)
      throw fail('AREA_INVALID', {
        detail: `a box is ra, dec, ra, dec with declinations that ascend in [-90, 90], got ${raFrom}, ${decFrom}, ${raTo}, ${decTo}`,
      });
    this.#from = normaliseRa(raFrom);
    this.#width = Math.abs(raTo - raFrom) >= 360 ? 360 : normaliseRa(normaliseRa(raTo) - this.#from);
  }

  get text(): string {
    return `box(${this.raFrom}, ${this.decFrom}, ${this.raTo}, ${this.decTo})`;
  }

  contains(raDeg: number, decDeg: number): boolean {
    if (!(decDeg >= this.decFrom && decDeg <= this.decTo) || !isPosition(raDeg, decDeg)) return false;
    if (this.#width === 360) return true;
    // Compared, not subtracted: a border that is given belongs to the box to its last digit.
    const ra = normaliseRa(raDeg);
    const to = normaliseRa(this.raTo);
    return this.#from <= to ? ra >= this.#from && ra <= to : ra >= this.#from || ra <= to;
  }

  near(radiusArcsec: number): (raDeg: number, decDeg: number) => boolean {
    const radius = (radiusArcsec / 3600) * (1 + 1e-9);
    const low = this.decFrom - radius;
    const high = this.decTo + radius;
    // The farthest from its own meridian that a circle around a place of the box reaches.
    const most = Math.max(Math.abs(this.decFrom), Math.abs(this.decTo));
    const ratio = Math.sin((Math.min(radius, 90) * Math.PI) / 180) / Math.cos((most * Math.PI) / 180);
    const reach = radius + most >= 90 || !(ratio < 1) ? 360 : (Math.asin(ratio) * 180) / Math.PI + 1e-9;
    const start = this.#from - reach;
    const width = this.#width + 2 * reach;
    return (ra, dec) => {
      if (!isPosition(ra, dec) || dec < low || dec > high) return false;
      return width >= 360 || normaliseRa(normaliseRa(ra) - start) <= width;
    };
  }
}

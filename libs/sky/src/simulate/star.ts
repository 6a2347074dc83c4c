import type { Random } from '@armilla/base';
import type { FieldDensity } from './density.js';
import { MagnitudeSampler } from './magnitude.js';

/** Which of the two surveys sees a source. */
export type Seen = 'both' | 'left' | 'right';

const LEFT_DEPTH = 20;
const RIGHT_DEPTH = 19.6;
/** Width of the fall of the detection probability at the depth, magnitudes. */
const DEPTH_WIDTH = 0.12;
/** Share of bright sources that a survey still misses: gaps between detectors, halos of bright stars. */
const GAP_SHARE = 0.1;
const BLEND_SHARE = 0.02;

const detection = (magnitude: number, depth: number): number =>
  (1 - GAP_SHARE) / (1 + Math.exp((magnitude - depth) / DEPTH_WIDTH));

const MAGNITUDES: Readonly<Record<Seen, MagnitudeSampler>> = {
  both: new MagnitudeSampler((m) => detection(m, LEFT_DEPTH) * detection(m, RIGHT_DEPTH)),
  left: new MagnitudeSampler((m) => detection(m, LEFT_DEPTH) * (1 - detection(m, RIGHT_DEPTH))),
  right: new MagnitudeSampler((m) => detection(m, RIGHT_DEPTH) * (1 - detection(m, LEFT_DEPTH))),
};

/** 10^(0.3 m) = exp(this * m): photon noise grows so with magnitude. */
const NOISE_SLOPE = 0.3 * Math.LN10;

/** Error per axis in arcsec: a floor, and photon noise of `atDepth` at the depth. */
function positionError(magnitude: number, depth: number, floor: number, atDepth: number): number {
  const noise = atDepth * Math.exp(NOISE_SLOPE * (magnitude - depth));
  return Math.sqrt(floor * floor + noise * noise);
}

/** Colour between the bands of the two surveys, magnitudes. */
const COLOUR_MEAN = 0.6;
const COLOUR_SPREAD = 0.3;

/** One source of the sky, drawn in place: a million of them make no garbage. */
export class Star {
  /** True position, degrees of the field's projection. */
  x = 0;
  y = 0;
  leftMagnitude = 0;
  rightMagnitude = 0;
  /** Error per axis, arcsec. */
  leftErrorArcsec = 0;
  rightErrorArcsec = 0;
  /** Whether a companion stands beside it, which the left survey resolves and the right one blends into it. */
  blended = false;
  /** The companion's offset, arcsec in x and y. */
  companionX = 0;
  companionY = 0;
  /** Where between the two the right survey places the blend: 0 at the star, 1 at the companion. */
  companionLight = 0;

  draw(random: Random, density: FieldDensity, seen: Seen): void {
    density.draw(random);
    this.x = density.x;
    this.y = density.y;
    const magnitude = MAGNITUDES[seen].draw(random);
    this.leftMagnitude = magnitude;
    this.rightMagnitude = magnitude - COLOUR_MEAN + COLOUR_SPREAD * random.normal();
    this.leftErrorArcsec = Star.leftErrorArcsec(magnitude);
    this.rightErrorArcsec = positionError(magnitude, RIGHT_DEPTH, 0.08, 0.35);
    this.blended = seen === 'both' && random.uniform() < BLEND_SHARE;
    if (this.blended) {
      const separationArcsec = random.between(0.4, 1.6);
      const angle = random.between(0, 2 * Math.PI);
      this.companionX = separationArcsec * Math.cos(angle);
      this.companionY = separationArcsec * Math.sin(angle);
      this.companionLight = random.between(0.1, 0.5);
    }
  }

  /** Magnitude of the companion in the left band, from its share of the light. */
  companionMagnitude(): number {
    return Math.min(LEFT_DEPTH, this.leftMagnitude + 2.5 * Math.log10((1 - this.companionLight) / this.companionLight));
  }

  /** Error per axis of a left source of that magnitude, arcsec. */
  static leftErrorArcsec(magnitude: number): number {
    return positionError(magnitude, LEFT_DEPTH, 0.05, 0.3);
  }
}

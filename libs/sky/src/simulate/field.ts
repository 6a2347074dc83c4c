import { Random } from '@armilla/base';
import { FieldDensity } from './density.js';
import { type MatchPrediction, predictMatch } from './prediction.js';
import { scatter } from './scatter.js';
import { Star } from './star.js';

/** A simulated catalog; all arrays [rowCount]. */
export interface SimulatedCatalog {
  readonly rowCount: number;
  /** Degrees, as a survey would list them: errors added, a few rows unusable. */
  readonly ra: Float64Array;
  readonly dec: Float64Array;
  /** 1 where the position is null. */
  readonly nulls: Uint8Array;
  readonly magnitude: Float32Array;
  /** Error of the position per axis, arcsec. */
  readonly errorArcsec: Float32Array;
  /** The source that the row shows, from 1: rows of both catalogs with the same number are counterparts. */
  readonly trueId: Int32Array;
}

export interface SimulatedField {
  readonly left: SimulatedCatalog;
  readonly right: SimulatedCatalog;
  readonly sideDeg: number;
  readonly centreRaDeg: number;
  readonly centreDecDeg: number;
  /** Sources that have a usable row in both catalogs. */
  readonly truePairCount: number;
  /** What the error model expects of matching each left row with its nearest right row within the radius. */
  predict(radiusArcsec: number): MatchPrediction;
}

export const COUNTERPART_SHARE = 0.6;
const SOURCES_PER_SQUARE_DEGREE = 10_000;
const CLUSTERS_PER_MILLION = 50;
const CENTRE_RA_DEG = 285;
const CENTRE_DEC_DEG = 5;
/** One row in so many is unusable, in turn for each of the four reasons. */
const ROWS_PER_BAD_ROW = 2000;
const DEG_PER_ARCSEC = 1 / 3600;
const RAD_PER_DEG = Math.PI / 180;

/**
 * Two surveys of one field in the galactic plane, 10,000 sources per square degree on average (a million fill
 * 10 x 10 degrees) and clustered: 60 % of each catalog's rows show a source of the other one, errors grow with
 * magnitude up to the depth of the survey, 2 % of the common sources have a companion that only the left survey
 * resolves, and one row in 2,000 is unusable. The same seed gives the same catalogs.
 */
export function simulateField(seed: number, rowCount: number): SimulatedField {
  const random = new Random(seed);
  const sideDeg = Math.sqrt(rowCount / SOURCES_PER_SQUARE_DEGREE);
  const density = new FieldDensity(random, sideDeg, Math.ceil((rowCount * CLUSTERS_PER_MILLION) / 1e6));
  // Sources are drawn at random over the field, so the left rows may stand as they come; the right ones are scattered.
  const left = new CatalogWriter(random, rowCount, (i) => i);
  const right = new CatalogWriter(random, rowCount, scatter(random, rowCount));
  let bothCount = Math.round(COUNTERPART_SHARE * rowCount);

  const star = new Star();
  let trueId = 0;
  let truePairCount = 0;
  while (left.freeRowCount > 0) {
    // Drawing without replacement: the two kinds of rows are mixed, and their numbers come out exactly.
    if (random.uniform() * left.freeRowCount >= bothCount) {
      star.draw(random, density, 'left');
      left.add(star.x, star.y, star.leftMagnitude, star.leftErrorArcsec, ++trueId);
      continue;
    }
    star.draw(random, density, 'both');
    bothCount--;
    trueId++;
    const { x, y } = star;
    const light = star.blended ? star.companionLight * DEG_PER_ARCSEC : 0;
    const inLeft = left.add(x, y, star.leftMagnitude, star.leftErrorArcsec, trueId);
    const inRight = right.add(
      x + light * star.companionX,
      y + light * star.companionY,
      star.rightMagnitude,
      star.rightErrorArcsec,
      trueId,
    );
    if (inLeft && inRight) truePairCount++;
    if (star.blended && left.freeRowCount > bothCount) {
      const magnitude = star.companionMagnitude();
      const companionX = x + DEG_PER_ARCSEC * star.companionX;
      const companionY = y + DEG_PER_ARCSEC * star.companionY;
      left.add(companionX, companionY, magnitude, Star.leftErrorArcsec(magnitude), ++trueId);
    }
  }
  while (right.freeRowCount > 0) {
    star.draw(random, density, 'right');
    right.add(star.x, star.y, star.rightMagnitude, star.rightErrorArcsec, ++trueId);
  }
  return {
    left,
    right,
    sideDeg,
    centreRaDeg: CENTRE_RA_DEG,
    centreDecDeg: CENTRE_DEC_DEG,
    truePairCount,
    predict: (radiusArcsec) => predictMatch(density, rowCount, COUNTERPART_SHARE, 1 / ROWS_PER_BAD_ROW, radiusArcsec),
  };
}

/** Fills a catalog, in an order of rows that `rowOf` gives. */
class CatalogWriter implements SimulatedCatalog {
  readonly ra: Float64Array;
  readonly dec: Float64Array;
  readonly nulls: Uint8Array;
  readonly magnitude: Float32Array;
  readonly errorArcsec: Float32Array;
  readonly trueId: Int32Array;
  #count = 0;

  constructor(
    private readonly random: Random,
    readonly rowCount: number,
    private readonly rowOf: (i: number) => number,
  ) {
    this.ra = new Float64Array(rowCount);
    this.dec = new Float64Array(rowCount);
    this.nulls = new Uint8Array(rowCount);
    this.magnitude = new Float32Array(rowCount);
    this.errorArcsec = new Float32Array(rowCount);
    this.trueId = new Int32Array(rowCount);
  }

  get freeRowCount(): number {
    return this.rowCount - this.#count;
  }

  /** Writes the next row; false when it is one of the unusable rows. */
  add(x: number, y: number, magnitude: number, errorArcsec: number, trueId: number): boolean {
    const row = this.rowOf(this.#count++);
    const dec = CENTRE_DEC_DEG + y;
    const errorDeg = errorArcsec * DEG_PER_ARCSEC;
    this.ra[row] = CENTRE_RA_DEG + (x + errorDeg * this.random.normal()) / Math.cos(dec * RAD_PER_DEG);
    this.dec[row] = dec + errorDeg * this.random.normal();
    this.magnitude[row] = magnitude;
    this.errorArcsec[row] = errorArcsec;
    this.trueId[row] = trueId;
    if (row % ROWS_PER_BAD_ROW !== ROWS_PER_BAD_ROW / 2) return true;
    this.#spoil(row, Math.floor(row / ROWS_PER_BAD_ROW) % 4);
    return false;
  }

  #spoil(row: number, how: number): void {
    if (how === 0) this.nulls[row] = 1;
    else if (how === 1) this.ra[row] = NaN;
    else if (how === 2) this.dec[row] = -Infinity;
    else this.dec[row] = 99.99; // a placeholder that surveys really write
  }
}

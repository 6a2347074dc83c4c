// The plain form of what visit.as.ts computes for each visit; a test holds the two equal.

/** Most that f64 adds to the distance of two positions: their vectors, their key, and what a device flushes to zero. */
const ADDED = 2 ** -44;
/** Half a unit in the last place of an f32, with room for the last place of the f64 that it was rounded from. */
const ROUNDED = 2 ** -24 * (1 + 2 ** -10);
/** Bounds are rounded outwards when they become f32: by more than what squaring on the device adds. */
const OUTWARDS = 2 ** -18;
/** The square of a sum is at most (1 + 1 / SHARE) and (1 + SHARE) times the squares; the kernel's WIDER and NARROWER follow. */
const SHARE = 2 ** 10;

/**
 * What the kernel compares squares of chords with; docs/operations/sky.join.md, "On a device". `slackOf` and `squareBounds` are the
 * reference of visit.as.ts, which computes the same bits for every visit.
 */
export interface SquareBounds {
  readonly most: number;
  readonly least: number;
  readonly surely: number;
  readonly spread: number;
}

/**
 * How far a kernel's distance of two rows may be from the chord of their key, without its relative part: the sum of three
 * f32 vectors. Chords of the unit sphere: `blockRadius` and `cellRadius` bound the offsets of left and right rows from
 * their centres, `apart` is the distance of the centres. docs/operations/sky.join.md derives it.
 */
export function slackOf(blockRadius: number, apart: number, cellRadius: number): number {
  return roundUp(ADDED + ROUNDED * (3 * (blockRadius + apart) + cellRadius));
}

/** Bounds for rows whose chord has to be in [floorChord, limitChord]. */
export function squareBounds(floorChord: number, limitChord: number, slack: number): SquareBounds {
  const nearer = Math.max(0, floorChord - slack);
  return {
    most: roundUp((limitChord + slack) * (limitChord + slack)),
    least: roundDown(nearer * nearer),
    surely: floorChord > 0 ? roundUp((floorChord + slack) * (floorChord + slack)) : 0,
    spread: roundUp(slack * slack * 2 * SHARE),
  };
}

/** Chord of the unit sphere of a separation key, 0 to 2. */
export function chordOfKey(key: number): number {
  return 2 * Math.sqrt(key <= 1 ? key : 1 - 1 / key);
}

/** An f32 that is not below `value` >= 0. */
function roundUp(value: number): number {
  return Math.fround(value * (1 + OUTWARDS));
}

/** An f32 that is not above `value` >= 0. */
function roundDown(value: number): number {
  return Math.fround(value * (1 - OUTWARDS));
}

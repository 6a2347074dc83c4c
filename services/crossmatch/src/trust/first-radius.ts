/** A radius, and what was measured at it. */
export interface MeasuredRadius {
  readonly radiusArcsec: number;
  readonly value: number;
}

/**
 * The first of ascending `radiiArcsec` at which `isEnough` says so, else the last. They are measured `together` at a time:
 * what is measured in vain costs less than another reading of the table, where each measurement is one.
 */
export async function firstRadius(
  radiiArcsec: readonly number[],
  together: number,
  measure: (radiusArcsec: number) => Promise<number>,
  isEnough: (value: number) => boolean,
): Promise<MeasuredRadius> {
  for (let from = 0; ; from += together) {
    const some = radiiArcsec.slice(from, from + together);
    const values = await Promise.all(some.map(measure));
    const isLast = from + together >= radiiArcsec.length;
    const found = values.findIndex(isEnough);
    if (found < 0 && !isLast) continue;
    const at = found < 0 ? some.length - 1 : found;
    return { radiusArcsec: some[at], value: values[at] };
  }
}

/** Radii that double from `first` to the first that is at least `most`. */
export function doubledRadii(firstArcsec: number, mostArcsec: number): number[] {
  const radii = [firstArcsec];
  for (let last = firstArcsec; last < mostArcsec; last *= 2) radii.push(2 * last);
  return radii;
}

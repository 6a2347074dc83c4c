/** Pixels of partitions are told apart by doubles; finer ones are a hundredth of an arcsecond wide. */
export const MAX_PARTITION_ORDER = 24;

/** A HEALPix pixel in nested numbering. */
export interface HatsPixel {
  /** In [0, 24]. */
  readonly order: number;
  /** In [0, 12 * 4^order). */
  readonly number: number;
}

export function pixelCountOf(order: number): number {
  return 12 * 4 ** order;
}

/** First pixel of order 24 of a pixel, exact; the next pixel of its order begins where it ends. */
export function startOf({ order, number }: HatsPixel): number {
  return number * 4 ** (MAX_PARTITION_ORDER - order);
}

export function endOf({ order, number }: HatsPixel): number {
  return (number + 1) * 4 ** (MAX_PARTITION_ORDER - order);
}

export function pixelName({ order, number }: HatsPixel): string {
  return `Norder=${order}, Npix=${number}`;
}

/** Pixels of one folder: file systems are slow with more. */
const FOLDER_PIXELS = 10_000;

/** Where the rows of a pixel lie below `dataset`, as all HATS catalogs have it; `suffix` is `.parquet`, or `/` for a folder of files. */
export function partitionPath({ order, number }: HatsPixel, suffix: string): string {
  const folder = Math.floor(number / FOLDER_PIXELS) * FOLDER_PIXELS;
  return `Norder=${order}/Dir=${folder}/Npix=${number}${suffix === '/' ? '' : suffix}`;
}

/** The pixel that a path below `dataset` names; undefined where it names none. */
export function pixelOfPath(path: string): HatsPixel | undefined {
  const match = /(?:^|\/)Norder=(\d{1,2})\/Dir=\d+\/Npix=(\d{1,16})(?:[./]|$)/.exec(path);
  return match ? { order: Number(match[1]), number: Number(match[2]) } : undefined;
}

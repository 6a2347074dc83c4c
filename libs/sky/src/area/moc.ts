import { fail } from '@armilla/base';
import { MAX_ORDER, type Pixel, pixelCentre, pixelCount, pixelOf, pixelRadiusDeg } from '../healpix/pixel.js';
import { type Area, isPosition } from './area.js';
import { angleBetween, unitVector } from './vector.js';

/** Cells or ranges that a MOC may be made from. */
export const MAX_CELL_COUNT = 2 ** 21;
/** Cells are looked at one by one down to this order, whose numbers are below 2^31. */
const CENTRE_ORDER = 13;

/** Pixels from..to of an order, both included, in nested numbering. */
export interface CellRange {
  readonly order: number;
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * A multi-order coverage map (IVOA recommendation MOC 2.0), in ICRS: sorted ranges of pixels of order 29 that do not
 * touch each other. A position is looked up by its pixel.
 */
export class Moc implements Area {
  readonly rangeCount: number;
  // [rangeCount] first pixel and the one after the last, each in two words as in Pixel
  readonly #startHigh: Int32Array;
  readonly #startLow: Uint32Array;
  readonly #endHigh: Int32Array;
  readonly #endLow: Uint32Array;
  readonly #pixel: Pixel = { high: 0, low: 0 };

  /** Cells in any order, also of different orders and more than once. `where` names the source. Throws MOC_INVALID. */
  static of(cells: Iterable<CellRange>, where = 'moc'): Moc {
    const ranges: (readonly [bigint, bigint])[] = [];
    for (const { order, from, to } of cells) {
      checkOrder(order, where);
      if (from < 0n || to < from || to >= pixelCount(order))
        throw fail('MOC_INVALID', {
          where,
          detail: `order ${order} has pixels 0 to ${pixelCount(order) - 1n}, got ${from === to ? from : `${from}-${to}`}`,
        });
      const shift = BigInt(2 * (MAX_ORDER - order));
      ranges.push([from << shift, (to + 1n) << shift]);
      if (ranges.length > MAX_CELL_COUNT)
        throw fail('MOC_INVALID', { where, detail: `more than ${MAX_CELL_COUNT} cells; degrade it to a lower order` });
    }
    return new Moc(merged(ranges));
  }

  private constructor(ranges: readonly (readonly [bigint, bigint])[]) {
    this.rangeCount = ranges.length;
    this.#startHigh = Int32Array.from(ranges, ([start]) => Number(start >> 32n));
    this.#startLow = Uint32Array.from(ranges, ([start]) => Number(start & 0xffffffffn));
    this.#endHigh = Int32Array.from(ranges, ([, end]) => Number(end >> 32n));
    this.#endLow = Uint32Array.from(ranges, ([, end]) => Number(end & 0xffffffffn));
  }

  get text(): string {
    return `moc(${this.toAscii()})`;
  }

  /** [start, end) of each range in pixels of order 29, ascending. */
  *ranges(): Generator<readonly [bigint, bigint], void, undefined> {
    const joined = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
    for (let r = 0; r < this.rangeCount; r++)
      yield [joined(this.#startHigh[r], this.#startLow[r]), joined(this.#endHigh[r], this.#endLow[r])];
  }

  /** As ASCII, such as `3/3 10 4/16-18`, in the fewest cells. */
  toAscii(): string {
    const byOrder = new Map<number, (readonly [bigint, bigint])[]>();
    for (const [start, end] of this.ranges()) {
      for (let at = start; at < end;) {
        let order = MAX_ORDER;
        let size = 1n;
        // The largest cell that begins here and does not end behind the range.
        while (order > 0 && at % (size << 2n) === 0n && at + (size << 2n) <= end) {
          size <<= 2n;
          order--;
        }
        const number = at / size;
        const cells = byOrder.get(order) ?? [];
        const last = cells.at(-1);
        if (last && last[1] === number - 1n) cells[cells.length - 1] = [last[0], number];
        else cells.push([number, number]);
        byOrder.set(order, cells);
        at += size;
      }
    }
    return [...byOrder]
      .sort(([a], [b]) => a - b)
      .map(([order, cells]) => `${order}/${cells.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(' ')}`)
      .join(' ');
  }

  contains(raDeg: number, decDeg: number): boolean {
    if (!isPosition(raDeg, decDeg)) return false;
    const pixel = this.#pixel;
    pixelOf(raDeg, decDeg, pixel);
    const range = this.#firstEndingBehind(pixel.high, pixel.low);
    return range < this.rangeCount && !isBefore(pixel.high, pixel.low, this.#startHigh[range], this.#startLow[range]);
  }

  near(radiusArcsec: number): (raDeg: number, decDeg: number) => boolean {
    const radiusDeg = (radiusArcsec / 3600) * (1 + 1e-9) + 1e-9;
    const radii = Array.from({ length: CENTRE_ORDER + 1 }, (_, order) => pixelRadiusDeg(order));
    // Cells a few times smaller than the radius say enough.
    const last = Math.max(
      0,
      radii.findIndex((radius) => radius <= radiusDeg / 4),
    );
    const lastOrder = radii[last] <= radiusDeg / 4 ? last : CENTRE_ORDER;
    return (ra, dec) => {
      if (!isPosition(ra, dec)) return false;
      if (this.contains(ra, dec)) return true;
      const place = unitVector(ra, dec);
      const reaches = (order: number, number: number): boolean => {
        if (!this.#touches(order, number)) return false;
        const centre = pixelCentre(order, number);
        const distance = (angleBetween(place, unitVector(centre.ra, centre.dec)) * 180) / Math.PI;
        if (distance > radii[order] + radiusDeg) return false;
        if (order === lastOrder) return true;
        return [0, 1, 2, 3].some((child) => reaches(order + 1, 4 * number + child));
      };
      for (let face = 0; face < 12; face++) if (reaches(0, face)) return true;
      return false;
    };
  }

  /** Whether a cell of an order up to 13 has anything of the map. */
  #touches(order: number, number: number): boolean {
    const size = 4 ** (CENTRE_ORDER - order);
    const range = this.#firstEndingBehind(number * size, 0);
    return range < this.rangeCount && isBefore(this.#startHigh[range], this.#startLow[range], (number + 1) * size, 0);
  }

  /** The first range that ends behind a pixel, or `rangeCount`. */
  #firstEndingBehind(high: number, low: number): number {
    const [endHigh, endLow] = [this.#endHigh, this.#endLow];
    let from = 0;
    let to = this.rangeCount;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (isBefore(high, low, endHigh[middle], endLow[middle])) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}

/** Throws MOC_INVALID unless there is such an order. */
export function checkOrder(order: number, where: string): void {
  if (!Number.isInteger(order) || order < 0 || order > MAX_ORDER)
    throw fail('MOC_INVALID', { where, detail: `order ${order} is not in [0, ${MAX_ORDER}]` });
}

function isBefore(high: number, low: number, otherHigh: number, otherLow: number): boolean {
  return high < otherHigh || (high === otherHigh && low < otherLow);
}

function merged(ranges: (readonly [bigint, bigint])[]): (readonly [bigint, bigint])[] {
  const sorted = ranges.every((range, i) => i === 0 || ranges[i - 1][0] <= range[0])
    ? ranges
    : ranges.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const out: (readonly [bigint, bigint])[] = [];
  for (const range of sorted) {
    const last = out.at(-1);
    if (last && range[0] <= last[1]) {
      if (range[1] > last[1]) out[out.length - 1] = [last[0], range[1]];
    } else out.push(range);
  }
  return out;
}

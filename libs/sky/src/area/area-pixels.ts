import { pixelCentre, pixelRadiusDeg } from '../healpix/pixel.js';
import type { Area } from './area.js';

/** Centres of finer pixels are not known; those of this order are as wide as 26 arcsec. */
const MAX_CENTRE_ORDER = 13;
/** A pixel that its circle places near the area is cut into pixels of so many orders more, whose circles say it better. */
const CUT_ORDERS = 3;
/** Programs differ in the pixel of a position on a border by rounding. */
const SLACK_ARCSEC = 0.01;

/**
 * Tells which HEALPix pixels (nested, ICRS) can have a position of the area: true for each of them, and for few others. Quickest
 * when asked in the order of the nested curve: pixels around those that are asked for are looked at once.
 */
export function pixelsTouching(area: Area): (order: number, number: number) => boolean {
  const near: ((raDeg: number, decDeg: number) => boolean)[] = [];
  const isNear = (order: number, number: number): boolean => {
    near[order] ??= area.near(pixelRadiusDeg(order) * 3600 + SLACK_ARCSEC);
    const { ra, dec } = pixelCentre(order, number);
    return near[order](ra, dec);
  };
  const touchesCut = (order: number, number: number, orders: number): boolean => {
    if (!isNear(order, number)) return false;
    if (orders === 0 || order === MAX_CENTRE_ORDER) return true;
    return [0, 1, 2, 3].some((child) => touchesCut(order + 1, 4 * number + child, orders - 1));
  };
  // [order] the pixel that was looked at last, and what was found
  const last: number[] = [];
  const found: boolean[] = [];
  return (order, number) => {
    const deepest = Math.min(order, MAX_CENTRE_ORDER);
    for (let o = 0; o <= deepest; o++) {
      const around = Math.floor(number / 4 ** (order - o));
      if (last[o] !== around) {
        last[o] = around;
        found[o] = isNear(o, around);
      }
      if (!found[o]) return false;
    }
    return touchesCut(deepest, Math.floor(number / 4 ** (order - deepest)), CUT_ORDERS);
  };
}

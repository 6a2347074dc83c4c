import { fail } from '../problem/problem.js';

const ARCSEC_PER_UNIT: Readonly<Record<string, number>> = {
  mas: 1e-3,
  arcsec: 1,
  '"': 1,
  arcmin: 60,
  "'": 60,
  deg: 3600,
  rad: (180 / Math.PI) * 3600,
};

/** `1arcsec`, `500mas`, `0.1deg`, `2arcmin`, a bare number in arcsec. Returns arcsec; not checked for range. */
export function parseAngleArcsec(text: string, field: string): number {
  const match = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-z"']*)\s*$/.exec(text);
  const factor = match ? (match[2] === '' ? 1 : ARCSEC_PER_UNIT[match[2]]) : undefined;
  if (!match || factor === undefined) {
    throw fail('OPTION_INVALID', {
      field,
      expected: 'an angle such as 1arcsec, 500mas, 2arcmin or 0.1deg',
      got: `'${text}'`,
    });
  }
  // Division for mas: 500mas must be exactly 0.5 arcsec, and 1/1000 has no exact double.
  return match[2] === 'mas' ? Number(match[1]) / 1000 : Number(match[1]) * factor;
}

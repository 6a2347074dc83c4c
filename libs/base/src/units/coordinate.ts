import { fail } from '../problem/problem.js';
import { parseSexagesimal, saysHours } from './sexagesimal.js';

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*(?:deg|°)?\s*$/;

/** A right ascension in degrees, of any turn: `10.68`, `10.68deg`, or sexagesimal in hours (`00:42:44.3`), in degrees with a d. */
export function parseRaDegrees(text: string, field: string): number {
  const factor = saysHours(text) || !/\d\s*[d°]/i.test(text) ? 15 : 1;
  const degrees = NUMBER.test(text) ? parseFloat(text) : parseSexagesimal(text) * factor;
  if (Number.isFinite(degrees)) return degrees;
  throw fail('OPTION_INVALID', {
    field,
    expected: 'a right ascension in degrees, such as 10.6847, or sexagesimal in hours, such as 00:42:44.3',
    got: `'${text.slice(0, 64)}'`,
  });
}

/** A declination in degrees in [-90, 90]: `41.27`, `-5deg`, or sexagesimal (`+41:16:09`). */
export function parseDecDegrees(text: string, field: string): number {
  const degrees = NUMBER.test(text) ? parseFloat(text) : saysHours(text) ? NaN : parseSexagesimal(text);
  if (degrees >= -90 && degrees <= 90) return degrees;
  throw fail('OPTION_INVALID', {
    field,
    expected: 'a declination in [-90, 90] degrees, such as 41.269, or sexagesimal, such as +41:16:09',
    got: `'${text.slice(0, 64)}'`,
  });
}

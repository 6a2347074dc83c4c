import { fail, parseAngleArcsec, type Problem } from '@armilla/base';

// Readers of single option values. A query gives text, an options part gives JSON: both are taken.

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

function wrong(field: string, expected: string, value: unknown): Problem {
  const got = typeof value === 'string' ? `'${value.slice(0, 64)}'` : String(JSON.stringify(value)).slice(0, 64);
  return fail('OPTION_INVALID', { field, expected, got });
}

export function readText(field: string, value: unknown, maxLength = 1024): string {
  if (typeof value !== 'string' || value === '' || value.length > maxLength)
    throw wrong(field, `a text of 1 to ${maxLength} characters`, value);
  return value;
}

/** A finite decimal number; anything else, NaN and blanks too, is refused. */
export function readNumber(field: string, value: unknown): number {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text))
    throw wrong(field, 'a number', value);
  const number = Number(text);
  if (!Number.isFinite(number)) throw wrong(field, 'a finite number', value);
  return number;
}

/** A finite number above 0. */
export function readPositive(field: string, value: unknown): number {
  const number = readNumber(field, value);
  if (!(number > 0)) throw wrong(field, 'a number above 0', value);
  return number;
}

export function readInteger(field: string, value: unknown, minimum: number, maximum: number): number {
  const expected = `an integer in [${minimum}, ${maximum}]`;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^\s*[-+]?\d+\s*$/.test(text)) throw wrong(field, expected, value);
  const number = Number(text);
  if (!(number >= minimum && number <= maximum)) throw wrong(field, expected, value);
  return number;
}

/** true, false, 1, 0, yes, no; a bare `?strict` is true. */
export function readFlag(field: string, value: unknown): boolean {
  const text = String(value).toLowerCase();
  if (value === true || ['', 'true', '1', 'yes'].includes(text)) return true;
  if (value === false || ['false', '0', 'no'].includes(text)) return false;
  throw wrong(field, 'true or false', value);
}

export function readChoice<T extends string>(field: string, value: unknown, choices: readonly T[]): T {
  if (typeof value === 'string' && (choices as readonly string[]).includes(value)) return value as T;
  throw wrong(field, `one of ${choices.join(', ')}`, value);
}

/** Comma-separated text or a JSON array of texts. */
export function readList(field: string, value: unknown, maxItems: number): string[] {
  const list = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
  if (!Array.isArray(list) || list.length === 0 || list.length > maxItems)
    throw wrong(field, `a list of 1 to ${maxItems} names`, value);
  return list.map((item) => readText(field, item));
}

/** An angle in (0, 648000] arcsec, or from 0 where `zero` is allowed; a bare number is in arcsec. */
export function readAngleArcsec(field: string, value: unknown, zero = false): number {
  const arcsec = typeof value === 'number' ? value : parseAngleArcsec(readText(field, value, 64), field);
  if (zero) {
    if (arcsec >= 0 && arcsec <= 648_000) return arcsec;
    throw wrong(field, 'an angle in [0, 648000] arcsec (180 degrees)', value);
  }
  if (!(arcsec > 0 && arcsec <= 648_000))
    throw fail('RADIUS_OUT_OF_RANGE', { field, got: String(value).slice(0, 64), limit: 648_000 });
  return arcsec;
}

/** `30s`, `500ms`, `2m`, `1h`, a bare number in seconds; in milliseconds, above 0. */
export function readDurationMs(field: string, value: unknown): number {
  const match = /^\s*(\d+\.?\d*|\.\d+)\s*([a-z]*)\s*$/.exec(
    typeof value === 'number' ? String(value) : typeof value === 'string' ? value.slice(0, 64) : '',
  );
  const factor = match ? MS_PER_UNIT[match[2] === '' ? 's' : match[2]] : undefined;
  const ms = match && factor !== undefined ? Number(match[1]) * factor : NaN;
  if (!(ms > 0 && ms <= 365 * 86_400_000)) throw wrong(field, 'a duration such as 30s, 500ms or 2m', value);
  return ms;
}

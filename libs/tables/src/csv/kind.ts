import { Bool, type DataType, Float32, Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import { fail } from '@armilla/base';

/** What a CSV column can become. Sniffing chooses among the first four. */
export type Kind = 'int64' | 'float64' | 'bool' | 'utf8' | 'int32' | 'float32';

/** What was seen in a column, as bits. */
export const SEEN = {
  /** An integer of at most 2^53. */
  integer: 1,
  /** An integer beyond 2^53 that an int64 holds. */
  largeInteger: 2,
  /** An integer beyond int64. */
  hugeInteger: 4,
  /** A number with a point or an exponent, or an infinity. */
  float: 8,
  nan: 16,
  bool: 32,
  text: 64,
} as const;

/** The narrowest kind that holds all that was seen without loss of an id; nothing seen is text. */
export function kindOf(seen: number): Kind {
  if (seen === 0 || (seen & SEEN.text) !== 0) return 'utf8';
  if ((seen & SEEN.bool) !== 0) return seen === SEEN.bool ? 'bool' : 'utf8';
  if ((seen & SEEN.float) !== 0) return 'float64';
  if ((seen & SEEN.hugeInteger) !== 0) return 'utf8';
  // Ids beyond 2^53 would lose digits as floats, so "nan" among them reads as null.
  if ((seen & SEEN.largeInteger) !== 0) return 'int64';
  return (seen & SEEN.nan) !== 0 ? 'float64' : 'int64';
}

export function arrowTypeOf(kind: Kind): DataType {
  switch (kind) {
    case 'int64':
      return new Int64();
    case 'int32':
      return new Int32();
    case 'float64':
      return new Float64();
    case 'float32':
      return new Float32();
    case 'bool':
      return new Bool();
    case 'utf8':
      return new Utf8();
  }
}

const KIND_NAMES: Readonly<Record<string, Kind>> = {
  bool: 'bool',
  boolean: 'bool',
  double: 'float64',
  float: 'float32',
  float32: 'float32',
  float64: 'float64',
  int: 'int64',
  int32: 'int32',
  int64: 'int64',
  long: 'int64',
  string: 'utf8',
  text: 'utf8',
  utf8: 'utf8',
};

/** The kind that a user's `types` entry names; OPTION_INVALID for an unknown one. */
export function parseKind(column: string, text: string): Kind {
  const kind = Object.hasOwn(KIND_NAMES, text.toLowerCase()) ? KIND_NAMES[text.toLowerCase()] : undefined;
  if (kind === undefined) {
    throw fail('OPTION_INVALID', {
      field: `types.${column}`,
      expected: 'one of int64, int32, float64, float32, bool, utf8',
      got: text,
    });
  }
  return kind;
}

import type { VotableColumn } from './field.js';
import type { ColumnBuilder } from './column-builder.js';

const INT64_RANGE = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  unsignedByte: [0, 255],
  short: [-(2 ** 15), 2 ** 15 - 1],
  int: [-(2 ** 31), 2 ** 31 - 1],
};
const BOOLEANS: Readonly<Record<string, boolean>> = {
  t: true,
  true: true,
  1: true,
  f: false,
  false: false,
  0: false,
};

/**
 * Puts the text of a TD into a column (VOTable 1.4, section 6). An empty cell, NaN and the declared null are nulls. False where it does not
 * fit the datatype: a null then.
 */
export function pushCell(text: string, column: VotableColumn, builder: ColumnBuilder): boolean {
  const { datatype, repeat } = column;
  if (datatype === 'char' || datatype === 'unicodeChar') {
    builder.push(text === '' ? null : text);
    return true;
  }
  const cell = text.trim();
  if (repeat === 1) return pushElement(cell, column, builder);
  const count = repeat as number;
  const parts = cell === '' ? [] : cell.split(/\s+/, count + 1);
  if (parts.length !== count) {
    builder.pushNulls(count);
    return parts.length === 0;
  }
  return parts.map((part) => pushElement(part, column, builder)).every(Boolean);
}

function pushElement(text: string, { datatype, nullText }: VotableColumn, builder: ColumnBuilder): boolean {
  const value = text === '' || text === nullText ? null : elementOf(text, datatype);
  builder.push(value ?? null);
  return value !== undefined;
}

/** Null for what means no value, undefined for what does not fit. */
function elementOf(text: string, datatype: string): number | bigint | boolean | null | undefined {
  switch (datatype) {
    case 'bit':
      return text === '1' ? true : text === '0' ? false : undefined;
    case 'boolean':
      return text === '?' ? null : BOOLEANS[text.toLowerCase()];
    case 'float':
    case 'double': {
      const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
      if (!Number.isNaN(value)) return value;
      return text.toLowerCase() === 'nan' ? null : undefined;
    }
    case 'long': {
      const value = wholeNumber(text);
      return value !== undefined && value >= INT64_RANGE[0] && value <= INT64_RANGE[1] ? value : undefined;
    }
    default: {
      const value = Number(wholeNumber(text) ?? NaN);
      const [least, most] = RANGES[datatype];
      return value >= least && value <= most ? value : undefined;
    }
  }
}

/** Decimal, or hexadecimal behind 0x. */
function wholeNumber(text: string): bigint | undefined {
  if (/^[+-]?\d{1,20}$/.test(text)) return BigInt(text.replace(/^\+/, ''));
  return /^0[xX][\da-fA-F]{1,16}$/.test(text) ? BigInt(text) : undefined;
}

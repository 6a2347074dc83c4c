import { SEEN } from './kind.js';

/** What a cell says that is no plain number. */
export const WORD = {
  text: 0,
  null: 1,
  nullNumber: 2,
  nan: 3,
  infinity: 4,
  minusInfinity: 5,
  true: 6,
  false: 7,
} as const;

const MEANING: ReadonlyMap<string, number> = new Map([
  ['', WORD.null],
  ['null', WORD.null],
  ['NULL', WORD.null],
  ['N/A', WORD.null],
  ['\\N', WORD.null],
  // These say "nothing" where a number or boolean is meant; in a text column they are text.
  ['NA', WORD.nullNumber],
  ['n/a', WORD.nullNumber],
  ['None', WORD.nullNumber],
  ['none', WORD.nullNumber],
  ['Null', WORD.nullNumber],
  ['--', WORD.nullNumber],
  ['-', WORD.nullNumber],
  ['true', WORD.true],
  ['True', WORD.true],
  ['TRUE', WORD.true],
  ['false', WORD.false],
  ['False', WORD.false],
  ['FALSE', WORD.false],
]);
const LONGEST = '-infinity'.length;

/** What `text` says, blanks around it left aside; `quoted` text is null only where it is empty and a number is meant. */
export function wordOf(text: string, quoted = false): number {
  const bare = text.trim();
  const meaning = MEANING.get(bare);
  if (meaning !== undefined)
    return quoted && meaning === WORD.null ? (bare === '' ? WORD.nullNumber : WORD.text) : meaning;
  if (bare.length > LONGEST) return WORD.text;
  switch (bare.toLowerCase().replace(/^\+/, '')) {
    case 'nan':
    case '-nan':
      return WORD.nan;
    case 'inf':
    case 'infinity':
      return WORD.infinity;
    case '-inf':
    case '-infinity':
      return WORD.minusInfinity;
    default:
      return WORD.text;
  }
}

const INTEGER = /^[+-]?\d+$/;
const LEADING_ZERO = /^[+-]?0\d/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const LARGEST = 2n ** 63n - 1n;

/** The SEEN bit of one cell; 0 where it is null. */
export function seenIn(text: string, quoted = false): number {
  const bare = text.trim();
  if (NUMBER.test(bare)) {
    if (!INTEGER.test(bare)) return SEEN.float;
    if (LEADING_ZERO.test(bare)) return SEEN.text;
    if (bare.length <= 16) return SEEN.integer;
    if (bare.length > 20) return SEEN.hugeInteger;
    const value = BigInt(bare.replace('+', ''));
    if (value > LARGEST || value < -LARGEST - 1n) return SEEN.hugeInteger;
    return Number.isSafeInteger(Number(value)) ? SEEN.integer : SEEN.largeInteger;
  }
  switch (wordOf(text, quoted)) {
    case WORD.null:
    case WORD.nullNumber:
      return 0;
    case WORD.nan:
      return SEEN.nan;
    case WORD.infinity:
    case WORD.minusInfinity:
      return SEEN.float;
    case WORD.true:
    case WORD.false:
      return SEEN.bool;
    default:
      return SEEN.text;
  }
}

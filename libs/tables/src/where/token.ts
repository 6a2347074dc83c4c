import { fail, type Problem } from '@armilla/base';

/** A piece of the text of a condition. */
export interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'quoted' | 'sign' | 'end';
  /** What it says: of a text and a quoted name without the quotes. */
  readonly value: string;
  /** Characters before it. */
  readonly at: number;
}

/** Characters that a condition may have. */
export const MAX_WHERE_LENGTH = 2 ** 16;

const SPACE = /\s*/y;
const PIECES: readonly (readonly [Token['kind'], RegExp])[] = [
  ['number', /(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\p{L}\d_])/uy],
  ['text', /'(?:[^']|'')*'/y],
  ['quoted', /"(?:[^"]|"")+"/y],
  ['name', /[\p{L}_][\p{L}\d_$]*/uy],
  ['sign', /<>|!=|<=|>=|[=<>+\-*/(),.]/y],
];

/** The pieces of a condition, with an `end` behind them. `field` names the condition in messages. Throws WHERE_INVALID. */
export function tokensOf(text: string, field: string): Token[] {
  if (text.length > MAX_WHERE_LENGTH)
    throw whereInvalid(field, MAX_WHERE_LENGTH, `the condition is longer than ${MAX_WHERE_LENGTH} characters`);
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    SPACE.lastIndex = at;
    at += (SPACE.exec(text) as RegExpExecArray)[0].length;
    if (at === text.length) {
      tokens.push({ kind: 'end', value: '', at });
      return tokens;
    }
    const found = pieceAt(text, at);
    if (!found) throw whereInvalid(field, at, unreadable(text.slice(at, at + 20)));
    tokens.push({ kind: found.kind, value: meaning(found.kind, found.piece), at });
    at += found.piece.length;
  }
}

/** What is wrong at a place of the text. */
export function whereInvalid(field: string, at: number, detail: string): Problem {
  return fail('WHERE_INVALID', { field, position: at + 1, detail });
}

function pieceAt(text: string, at: number): { kind: Token['kind']; piece: string } | undefined {
  for (const [kind, pattern] of PIECES) {
    pattern.lastIndex = at;
    const piece = pattern.exec(text)?.[0];
    if (piece !== undefined) return { kind, piece };
  }
  return undefined;
}

function meaning(kind: Token['kind'], piece: string): string {
  if (kind === 'text') return piece.slice(1, -1).replaceAll("''", "'");
  return kind === 'quoted' ? piece.slice(1, -1).replaceAll('""', '"') : piece;
}

function unreadable(rest: string): string {
  if (rest.startsWith("'")) return "a text begins here and does not end; a quote inside of it is written ''";
  if (rest.startsWith('"')) return 'a quoted name begins here and does not end, or is empty';
  return `'${rest}' is no part of a condition`;
}

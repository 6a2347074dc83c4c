import { fail } from '@armilla/base';
import { kindOf } from './kind.js';
import { textRecords, type TextRecord } from './records.js';
import { seenIn } from './word.js';

/** How one CSV file is written, found in its first bytes. */
export interface Dialect {
  /** Byte between two fields. */
  readonly delimiter: number;
  readonly names: readonly string[];
  /** Where the data begins. */
  readonly dataOffset: number;
  readonly dataLine: number;
}

export interface DialectOptions {
  /** One character; found by content when left out. */
  readonly delimiter?: string;
  /** Whether the first line names the columns; found by content when left out. */
  readonly header?: boolean;
}

const CANDIDATES = [',', '\t', ';', '|'].map((text) => text.charCodeAt(0));
const HASH = 35;
const SAMPLE_RECORDS = 100;
const COLUMN_LIMIT = 16_384;

/** Finds delimiter and header in the first bytes of a file (all of it when `complete`). */
export function sniffDialect(
  head: Uint8Array,
  complete: boolean,
  where: string,
  options: DialectOptions = {},
): Dialect {
  const bom = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  const comments = skipComments(head, bom);
  const start = comments.end;
  if (isBlank(head, start))
    throw fail('CSV_INVALID', { where, line: comments.line, detail: 'the file is empty; a header line is expected' });
  const delimiter =
    options.delimiter === undefined ? sniffDelimiter(head, start, complete) : parseDelimiter(options.delimiter);
  const records: TextRecord[] = [];
  for (const record of textRecords(head, delimiter, start, comments.line)) {
    if (!record.ended && !complete && records.length > 0) break;
    records.push(record);
    if (records.length > SAMPLE_RECORDS) break;
  }
  const first = records[0];
  if (!first.ended && !complete) {
    throw fail('CSV_INVALID', {
      where,
      line: first.line,
      detail: `the first record has more than ${head.length} bytes; is this a CSV file?`,
    });
  }
  if (options.header ?? looksLikeHeader(records)) {
    const names = first.cells.map(
      (cell, index) => (index === 0 ? cell.text.replace(/^#/, '') : cell.text).trim() || `col${index + 1}`,
    );
    return {
      delimiter,
      names: unique(names, where),
      dataOffset: first.to,
      dataLine: records[1]?.line ?? first.line + 1,
    };
  }
  const commented =
    comments.last === undefined ? undefined : headerInComment(comments.last, delimiter, first.cells.length);
  const names = commented ?? first.cells.map((_, index) => `col${index + 1}`);
  return { delimiter, names: unique(names, where), dataOffset: first.from, dataLine: first.line };
}

function parseDelimiter(text: string): number {
  if (text.length !== 1 || text.charCodeAt(0) > 126 || '" \r\n'.includes(text)) {
    throw fail('OPTION_INVALID', {
      field: 'delimiter',
      expected: 'one ASCII character other than a blank, quote or line end',
      got: JSON.stringify(text),
    });
  }
  return text.charCodeAt(0);
}

/** Comment lines at the start ("# ..." or "#%...", as in ECSV) are no data; "#id,ra,dec" is a header. */
function skipComments(head: Uint8Array, from: number): { end: number; line: number; last: string | undefined } {
  let at = from;
  let line = 1;
  let last: string | undefined;
  while (head[at] === HASH) {
    const next = head[at + 1];
    const bare =
      next === HASH || next === 32 || next === 9 || next === 37 || next === 10 || next === 13 || next === undefined;
    if (!bare) break;
    let end = head.indexOf(10, at);
    if (end < 0) end = head.length - 1;
    last = new TextDecoder().decode(head.subarray(at, end));
    at = end + 1;
    line++;
  }
  return { end: at, line, last };
}

function headerInComment(line: string, delimiter: number, cellCount: number): string[] | undefined {
  const bytes = new TextEncoder().encode(line.replace(/^#+\s*/, ''));
  for (const record of textRecords(bytes, delimiter)) {
    if (record.cells.length !== cellCount || cellCount < 2) return undefined;
    return record.cells.map((cell, index) => cell.text.trim() || `col${index + 1}`);
  }
  return undefined;
}

function isBlank(head: Uint8Array, from: number): boolean {
  for (let i = from; i < head.length; i++) if (head[i] > 32) return false;
  return true;
}

/** The candidate that cuts the first records into the most equal fields. */
function sniffDelimiter(head: Uint8Array, from: number, complete: boolean): number {
  let best = CANDIDATES[0];
  let bestScore = 0;
  for (const delimiter of CANDIDATES) {
    const counts: number[] = [];
    for (const record of textRecords(head, delimiter, from)) {
      if (!record.ended && !complete && counts.length > 0) break;
      counts.push(record.cells.length);
      if (counts.length === SAMPLE_RECORDS) break;
    }
    const equal = counts.filter((count) => count === counts[0]).length / counts.length;
    // A delimiter that cuts every record alike beats one that cuts into more pieces now and then.
    const score = counts[0] < 2 ? 0 : equal * equal * (2 - 1 / counts[0]);
    if (score > bestScore) {
      best = delimiter;
      bestScore = score;
    }
  }
  return best;
}

/** A header has no number where the column below has numbers; without numbers anywhere the first line is the header. */
function looksLikeHeader(records: readonly TextRecord[]): boolean {
  const [first, ...rest] = records;
  let numberCount = 0;
  for (const [index, cell] of first.cells.entries()) {
    const own = kindOf(seenIn(cell.text, cell.quoted));
    let seen = 0;
    for (const record of rest)
      if (index < record.cells.length) seen |= seenIn(record.cells[index].text, record.cells[index].quoted);
    const below = kindOf(seen);
    if (own === 'utf8' && cell.text.trim() !== '' && below !== 'utf8') return true;
    // A year over a column of text is a name; a number over numbers, or over nothing, is data.
    if (own !== 'utf8' && own !== 'bool' && (below !== 'utf8' || seen === 0)) numberCount++;
  }
  return numberCount === 0;
}

function unique(names: readonly string[], where: string): readonly string[] {
  if (names.length > COLUMN_LIMIT)
    throw fail('CSV_INVALID', { where, line: 1, detail: `${names.length} columns, over the limit of ${COLUMN_LIMIT}` });
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name))
      throw fail('COLUMN_DUPLICATE', { where, column: name, count: names.filter((other) => other === name).length });
    seen.add(name);
  }
  return names;
}

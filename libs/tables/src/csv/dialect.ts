import { fail } from '@armilla/base';
import type { DeclaredColumn } from '../declared/declared-column.js';
import { ecsvHeader } from './ecsv.js';
import { kindOf } from './kind.js';
import { textRecords, type TextRecord } from './records.js';
import { seenIn } from './word.js';

/** How one CSV file is written, found in its first bytes. */
export interface Dialect {
  /** Byte between two fields. */
  readonly delimiter: number;
  readonly names: readonly string[];
  /** What lines of the file say of its columns besides their names. */
  readonly declared: ReadonlyMap<string, DeclaredColumn>;
  /** True where the file starts with comments: lines that start with "#" are then no data further down either. */
  readonly commented: boolean;
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
const NOTHING: ReadonlyMap<string, DeclaredColumn> = new Map();
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
  if (isBlank(head, comments.end)) {
    const line = comments.lineCount + 1;
    throw fail('CSV_INVALID', { where, line, detail: 'the file is empty; a header line is expected' });
  }
  const commented = comments.lineCount > 0;
  const ecsv = ecsvHeader(head.subarray(0, comments.end));
  const delimiter =
    ecsv?.delimiter ??
    (options.delimiter === undefined ? sniffDelimiter(head, comments, complete) : parseDelimiter(options.delimiter));
  const records = sample(head, delimiter, comments, complete);
  const first = records[0];
  if (!first.ended && !complete) {
    const detail = `the first record has more than ${head.length} bytes; is this a CSV file?`;
    throw fail('CSV_INVALID', { where, line: first.line, detail });
  }
  if (ecsv) {
    const declared = new Map(ecsv.columns.map((column) => [column.name, column]));
    const dataLine = records[1]?.line ?? first.line + 1;
    return { delimiter, names: namesIn(first, where), declared, commented, dataOffset: first.to, dataLine };
  }
  const rule = records.findIndex((record, index) => index < 3 && isRule(record));
  if (rule > 0) {
    // As VizieR writes: names, units, dashes.
    const names = namesIn(first, where);
    const units = rule === 2 ? records[1].cells.map((cell) => cell.text.trim()) : [];
    const declared = new Map(names.map((name, index) => [name, { name, unit: units[index] }]));
    const dataLine = records[rule].line + 1;
    return { delimiter, names, declared, commented, dataOffset: records[rule].to, dataLine };
  }
  const above = options.header === false ? undefined : headerInComment(comments.last, delimiter, records, where);
  if (above === undefined && (options.header ?? looksLikeHeader(records))) {
    const dataLine = records[1]?.line ?? first.line + 1;
    return { delimiter, names: namesIn(first, where), declared: NOTHING, commented, dataOffset: first.to, dataLine };
  }
  const names = above ?? first.cells.map((_, index) => `col${index + 1}`);
  return { delimiter, names, declared: NOTHING, commented, dataOffset: first.from, dataLine: first.line };
}

function namesIn({ cells }: TextRecord, where: string): readonly string[] {
  const text = (index: number): string => (index === 0 ? cells[0].text.replace(/^#+/, '') : cells[index].text);
  return unique(
    cells.map((_, index) => text(index).trim() || `col${index + 1}`),
    where,
  );
}

/** A line of dashes below a header; two of them alone are a null. */
function isRule({ cells }: TextRecord): boolean {
  return cells.every((cell) => /^\s*-+\s*$/.test(cell.text)) && cells.some((cell) => cell.text.trim().length > 2);
}

/** The first records, without comments, and without a last one that is perhaps cut. */
function sample(head: Uint8Array, delimiter: number, comments: Comments, complete: boolean): TextRecord[] {
  const records: TextRecord[] = [];
  for (const record of textRecords(head, delimiter, comments.end, comments.lineCount + 1)) {
    if (!record.ended && !complete && records.length > 0) break;
    if (comments.lineCount > 0 && head[record.from] === HASH) continue;
    records.push(record);
    if (records.length > SAMPLE_RECORDS) break;
  }
  return records;
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

interface Comments {
  /** Where the first line that is no comment starts. */
  readonly end: number;
  readonly lineCount: number;
  readonly last: string | undefined;
}

/** Lines that start with "#" before the data are no data; where nothing follows, the last of them is a header. */
function skipComments(head: Uint8Array, from: number): Comments {
  let at = from;
  let before: Comments | undefined;
  let comments: Comments = { end: at, lineCount: 0, last: undefined };
  while (head[at] === HASH) {
    let end = head.indexOf(10, at);
    if (end < 0) end = head.length;
    before = comments;
    comments = {
      end: end + 1,
      lineCount: comments.lineCount + 1,
      last: new TextDecoder().decode(head.subarray(at, end)),
    };
    at = end + 1;
  }
  return before !== undefined && isBlank(head, comments.end) && BARE_HEADER.test(comments.last ?? '')
    ? before
    : comments;
}

/** "#ra,dec": a header behind the mark of a comment. */
const BARE_HEADER = /^#[^\s#%]/;

/** The names in the comment right above the data, where it has as many and the data do not start with names of their own. */
function headerInComment(
  line: string | undefined,
  delimiter: number,
  records: readonly TextRecord[],
  where: string,
): readonly string[] | undefined {
  if (line === undefined) return undefined;
  const bytes = new TextEncoder().encode(line.replace(/^#+\s*/, ''));
  const above = textRecords(bytes, delimiter).next().value as TextRecord | undefined;
  const [first] = records;
  if (above === undefined || first.cells.length < 2 || above.cells.length !== first.cells.length) return undefined;
  if (isNameOverNumber(records) || (looksLikeHeader(records) && !BARE_HEADER.test(line))) return undefined;
  return namesIn(above, where);
}

function isBlank(head: Uint8Array, from: number): boolean {
  for (let i = from; i < head.length; i++) if (head[i] > 32) return false;
  return true;
}

/** The candidate that cuts the first records into the most equal fields. */
function sniffDelimiter(head: Uint8Array, comments: Comments, complete: boolean): number {
  let best = CANDIDATES[0];
  let bestScore = 0;
  for (const delimiter of CANDIDATES) {
    const counts = sample(head, delimiter, comments, complete).map((record) => record.cells.length);
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

/** What the records below the first have in a column. */
function seenBelow(records: readonly TextRecord[], column: number): number {
  let seen = 0;
  for (const { cells } of records.slice(1))
    if (column < cells.length) seen |= seenIn(cells[column].text, cells[column].quoted);
  return seen;
}

/** The first record has text over a column of numbers: it is a header. */
function isNameOverNumber(records: readonly TextRecord[]): boolean {
  return records[0].cells.some(
    (cell, column) =>
      cell.text.trim() !== '' &&
      kindOf(seenIn(cell.text, cell.quoted)) === 'utf8' &&
      kindOf(seenBelow(records, column)) !== 'utf8',
  );
}

/** A header has no number where the column below has numbers; without numbers anywhere the first line is the header. */
function looksLikeHeader(records: readonly TextRecord[]): boolean {
  if (isNameOverNumber(records)) return true;
  return records[0].cells.every((cell, column) => {
    const own = kindOf(seenIn(cell.text, cell.quoted));
    const below = seenBelow(records, column);
    // A year over a column of text is a name; a number over numbers, or over nothing, is data.
    return own === 'utf8' || own === 'bool' || (kindOf(below) === 'utf8' && below !== 0);
  });
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

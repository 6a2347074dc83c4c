import { isUtf8 } from 'node:buffer';
import { fail } from '@armilla/base';
import type { Format } from './format.js';

const startsWith = (head: Uint8Array, text: string, at = 0): boolean => {
  for (let i = 0; i < text.length; i++) if (head[at + i] !== text.charCodeAt(i)) return false;
  return true;
};

export function isGzip(head: Uint8Array): boolean {
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/** What may stand before the first element. */
const XML_HEAD_BYTES = 16_384;

const FOREIGN: readonly [string, string, number?][] = [
  ['<?xml', 'XML, but no VOTable'],
  ['<!DOCTYPE', 'an HTML page; did the download fail?'],
  ['<html', 'an HTML page; did the download fail?'],
  ['PK\x03\x04', 'a ZIP archive; unpack it first'],
  ['BZh', 'bzip2 data; unpack it first'],
  ['\xfd7zXZ', 'xz data; unpack it first'],
  ['\x28\xb5\x2f\xfd', 'zstd data; unpack it first'],
  ['SQLite format 3', 'an SQLite database'],
  ['\x89HDF', 'an HDF5 file'],
  ['PARE', 'Parquet with an encrypted footer; decrypt it first'],
  ['FEA1', 'Feather version 1; write it as version 2 (Arrow IPC)'],
  ['ustar', 'a tar archive; unpack it first', 257],
  ['\xff\xfe', 'UTF-16 text; convert it to UTF-8 first'],
  ['\xfe\xff', 'UTF-16 text; convert it to UTF-8 first'],
];

/**
 * The format of a table by its first bytes (up to some 64 KiB; all of it when `complete`), never by its name. Comma, semicolon and tab are all
 * 'csv' here: the CSV reader tells them apart.
 */
export function detectFormat(head: Uint8Array, complete: boolean, where: string): Format {
  if (head.length === 0)
    throw fail('CSV_INVALID', { where, line: 1, detail: 'the file is empty; a header line is expected' });
  if (startsWith(head, 'ARROW1')) return 'arrow-file';
  if (startsWith(head, 'PAR1')) return 'parquet';
  if (startsWith(head, 'SIMPLE  =')) return 'fits';
  if (head.length >= 4 && startsWith(head, '\xff\xff\xff\xff')) return 'arrow-stream';
  if (isOldArrowStream(head)) return 'arrow-stream';
  if (isVotable(head)) return 'votable';
  const foreign = FOREIGN.find(([magic, , at]) => startsWith(head, magic, at ?? 0));
  if (foreign !== undefined) throw fail('FORMAT_UNKNOWN', { where, detail: foreign[1] });
  const detail = whyNotText(head, complete);
  if (detail !== undefined) throw fail('FORMAT_UNKNOWN', { where, detail });
  return 'csv';
}

/** A VOTABLE element, perhaps with a prefix, behind nothing but declarations, instructions and comments. */
function isVotable(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, XML_HEAD_BYTES))
    .toString('latin1')
    .replace(/^\u00ef\u00bb\u00bf/, '');
  const before =
    /^(?:\s+|<\?(?:[^?]|\?(?!>))*\?>|<!--(?:[^-]|-(?!->))*-->|<!DOCTYPE[^[>]*>)*/.exec(text)?.[0].length ?? 0;
  return /^<(?:[\w.-]+:)?VOTABLE[\s>]/.test(text.slice(before, before + 200));
}

/** Arrow streams of before 0.15 start with the length of the first header, which with its own 4 bytes is a multiple of 8, and the place of its root table. */
function isOldArrowStream(head: Uint8Array): boolean {
  if (head.length < 8 || head[3] !== 0 || head[0] % 4 !== 0) return false;
  const view = new DataView(head.buffer, head.byteOffset, 8);
  const length = view.getUint32(0, true);
  const root = view.getUint32(4, true);
  return length >= 16 && root >= 4 && root < 256 && root < length;
}

/** Control characters that text files do contain: tab, LF, VT, FF, CR, Escape. */
const TEXT_CONTROLS = new Set([9, 10, 11, 12, 13, 27]);

function whyNotText(head: Uint8Array, complete: boolean): string | undefined {
  const first = head.findIndex((byte) => byte > 32);
  const opening = String.fromCharCode(head[first] ?? 32);
  if ((opening === '{' || opening === '[') && isJson(head, first)) return 'JSON, which is written but not read';
  let strangeCount = 0;
  for (const byte of head) {
    if (byte === 0) return 'binary data';
    if (byte < 32 && !TEXT_CONTROLS.has(byte)) strangeCount++;
  }
  if (strangeCount * 20 > head.length) return 'binary data';
  // A cut in the middle of a character is no fault of the file.
  let end = head.length;
  if (!complete) while (end > 0 && (head[end - 1] & 0xc0) === 0x80) end--;
  if (!complete && end > 0 && head[end - 1] >= 0xc0) end--;
  if (isUtf8(head.subarray(0, end))) return undefined;
  // Latin-1 text is refused by the CSV reader, with the line; a pile of high bytes is no text at all.
  let highCount = 0;
  for (const byte of head) if (byte >= 0x80) highCount++;
  return highCount * 5 > head.length ? 'binary data' : undefined;
}

/** `{"` or `[{` or `[1`: no CSV header begins so, while "[Fe/H]" may. */
function isJson(head: Uint8Array, at: number): boolean {
  const next = head.subarray(at + 1, at + 64).find((byte) => byte > 32) ?? 0;
  const text = String.fromCharCode(next);
  return head[at] === 123
    ? text === '"' || text === '}'
    : text === '{' || text === '[' || text === ']' || (text >= '0' && text <= '9');
}

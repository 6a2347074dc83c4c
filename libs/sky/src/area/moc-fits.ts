import { fail, type Problem } from '@armilla/base';
import { MAX_ORDER } from '../healpix/pixel.js';
import { type CellRange, MAX_CELL_COUNT, Moc } from './moc.js';

const BLOCK = 2880;
const CARD = 80;
/** Cards that a header may have. */
const MAX_CARD_COUNT = 10_000;

/** Whether bytes begin as a FITS file does. */
export function isFits(bytes: Uint8Array): boolean {
  return ascii(bytes, 0, 9) === 'SIMPLE  =';
}

/**
 * Reads a MOC as a FITS file: a binary table of one column of whole numbers, ranges of pixels of order 29 (MOC 2.0) or
 * cells as 4^(order + 1) + pixel (NUNIQ, MOC 1). `where` names it in messages. Throws MOC_INVALID.
 */
export function parseMocFits(bytes: Uint8Array, where = 'moc'): Moc {
  const invalid = (detail: string): Problem => fail('MOC_INVALID', { where, detail });
  const primary = readHeader(bytes, 0, invalid);
  if (primary.cards.get('SIMPLE') !== 'T') throw invalid('it does not begin as a FITS file');
  if (integer(primary.cards, 'NAXIS', invalid) !== 0) throw invalid('its first part has data, a MOC has none there');
  const { cards, end } = readHeader(bytes, primary.end, invalid);
  if (cards.get('XTENSION') !== 'BINTABLE') throw invalid('its second part is no binary table');
  const dimension = cards.get('MOCDIM') ?? 'SPACE';
  if (dimension !== 'SPACE') throw invalid(`it covers ${dimension}; only maps of the sky alone (SPACE) can be used`);
  const frame = cards.get('COORDSYS') ?? 'C';
  if (frame !== 'C') throw invalid(`its coordinates are '${frame}'; they must be C (ICRS)`);
  const ordering = cards.get('ORDERING') ?? 'NUNIQ';
  if (ordering !== 'NUNIQ' && ordering !== 'RANGE')
    throw invalid(`its ordering is '${ordering}', must be NUNIQ or RANGE`);
  if (integer(cards, 'TFIELDS', invalid) !== 1) throw invalid('its table must have one column');
  const form = /^1?([JK])$/.exec(cards.get('TFORM1') ?? '')?.[1];
  if (form === undefined) throw invalid(`its column has type '${cards.get('TFORM1')}', must be 1J or 1K`);
  const width = form === 'K' ? 8 : 4;
  const expected = { BITPIX: 8, NAXIS: 2, NAXIS1: width, PCOUNT: 0, GCOUNT: 1 };
  for (const [key, value] of Object.entries(expected)) {
    const got = integer(cards, key, invalid);
    if (got !== value) throw invalid(`${key} is ${got}, must be ${value}`);
  }
  const rowCount = integer(cards, 'NAXIS2', invalid);
  if (rowCount < 0 || rowCount > 2 * MAX_CELL_COUNT)
    throw invalid(`it has ${rowCount} rows; at most ${2 * MAX_CELL_COUNT} can be used: degrade it to a lower order`);
  if (rowCount * width > bytes.length - end)
    throw invalid(`it ends early: ${rowCount} rows need ${rowCount * width} bytes, there are ${bytes.length - end}`);
  const name = cards.has('MOCORD_S') ? 'MOCORD_S' : 'MOCORDER';
  const order = cards.has(name) ? integer(cards, name, invalid) : MAX_ORDER;
  if (order < 0 || order > MAX_ORDER) throw invalid(`${name} is ${order}, must be in [0, ${MAX_ORDER}]`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + end, rowCount * width);
  const value = (row: number): bigint => (width === 8 ? view.getBigInt64(row * 8) : BigInt(view.getInt32(row * 4)));
  return Moc.of(
    ordering === 'RANGE' ? rangeCells(value, rowCount, order, invalid) : uniqueCells(value, rowCount, order, invalid),
    where,
  );
}

/** Rows 2i and 2i + 1: the first pixel of order 29 and the one after the last. */
function* rangeCells(
  value: (row: number) => bigint,
  rowCount: number,
  order: number,
  invalid: (detail: string) => Problem,
): Generator<CellRange, void, undefined> {
  if (rowCount % 2 !== 0) throw invalid(`ranges need an even number of rows, it has ${rowCount}`);
  const shift = BigInt(2 * (MAX_ORDER - order));
  for (let row = 0; row < rowCount; row += 2) {
    const [start, end] = [value(row), value(row + 1)];
    const [from, to] = [start >> shift, end >> shift];
    if (start < 0n || end <= start || from << shift !== start || to << shift !== end)
      throw invalid(`rows ${row + 1} and ${row + 2}: ${start} to ${end} is no range of pixels of its order ${order}`);
    yield { order, from, to: to - 1n };
  }
}

/** 4^(order + 1) + pixel in each row. */
function* uniqueCells(
  value: (row: number) => bigint,
  rowCount: number,
  mostOrder: number,
  invalid: (detail: string) => Problem,
): Generator<CellRange, void, undefined> {
  for (let row = 0; row < rowCount; row++) {
    const number = value(row);
    // In [4^(order + 1), 4^(order + 2)) for a pixel in [0, 12 * 4^order).
    const order = number < 4n ? -1 : Math.floor((number.toString(2).length - 3) / 2);
    if (order < 0 || order > mostOrder)
      throw invalid(`row ${row + 1}: ${number} is no cell of an order up to its order ${mostOrder}`);
    const pixel = number - (4n << BigInt(2 * order));
    yield { order, from: pixel, to: pixel };
  }
}

interface Header {
  readonly cards: ReadonlyMap<string, string>;
  /** Where the data begin. */
  readonly end: number;
}

function readHeader(bytes: Uint8Array, start: number, invalid: (detail: string) => Problem): Header {
  const cards = new Map<string, string>();
  for (let c = 0; c < MAX_CARD_COUNT; c++) {
    const at = start + c * CARD;
    if (at + CARD > bytes.length) throw invalid(`it ends early, in a header (at byte ${bytes.length})`);
    const card = ascii(bytes, at, CARD);
    const key = card.slice(0, 8).trimEnd();
    if (key === 'END') return { cards, end: start + Math.ceil(((c + 1) * CARD) / BLOCK) * BLOCK };
    if (card.slice(8, 10) !== '= ' || cards.has(key)) continue;
    const text = /^\s*'((?:[^']|'')*)'/.exec(card.slice(10));
    cards.set(key, text ? text[1].replaceAll("''", "'").trimEnd() : card.slice(10).split('/', 1)[0].trim());
  }
  throw invalid(`a header has more than ${MAX_CARD_COUNT} cards`);
}

function integer(cards: ReadonlyMap<string, string>, key: string, invalid: (detail: string) => Problem): number {
  const text = cards.get(key);
  if (text === undefined) throw invalid(`its header has no ${key}`);
  if (!/^[-+]?\d{1,15}$/.test(text)) throw invalid(`${key} is '${text.slice(0, 40)}', must be a whole number`);
  return Number(text);
}

/** Bytes as text; what is not printable ASCII becomes '?'. */
function ascii(bytes: Uint8Array, from: number, length: number): string {
  let text = '';
  for (const byte of bytes.subarray(from, from + length))
    text += byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '?';
  return text;
}

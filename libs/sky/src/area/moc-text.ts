import { fail, type Problem } from '@armilla/base';
import { type CellRange, checkOrder, Moc } from './moc.js';

/** Reads a MOC as ASCII, `3/3 10 4/16-18 22 5/`, or JSON, `{"3": [3, 10]}`. `where` names it in messages. Throws MOC_INVALID. */
export function parseMocText(text: string, where = 'moc'): Moc {
  const start = text.trimStart();
  return Moc.of(start.startsWith('{') ? jsonCells(start, where) : asciiCells(text, where), where);
}

const TOKEN = /[\s,]*(?:(\d{1,20})\/|(\d{1,20})(?:-(\d{1,20}))?(?![\d-]))/y;

/** Orders with their pixels and ranges of pixels (both ends included); lines that begin with # are left out. */
function* asciiCells(text: string, where: string): Generator<CellRange, void, undefined> {
  const plain = text.replace(/^[^\S\n]*#.*$/gm, (line) => ' '.repeat(line.length));
  const end = plain.trimEnd().length;
  let order: number | undefined;
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < end) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(plain);
    if (!match) throw malformed(text, at, where);
    const [whole, newOrder, from, to] = match;
    if (newOrder !== undefined) {
      order = Number(newOrder);
      checkOrder(order, where);
    } else if (order === undefined) throw malformed(text, at, where);
    else yield { order, from: BigInt(from), to: BigInt(to ?? from) };
    at += whole.length;
  }
  if (order === undefined)
    throw fail('MOC_INVALID', { where, detail: 'it is empty: no order such as 3/ stands in it' });
}

function malformed(text: string, at: number, where: string): Problem {
  const seen = text.slice(at).trim().slice(0, 20);
  return fail('MOC_INVALID', {
    where,
    detail: `character ${at + 1}: an order such as 3/, a pixel or a range of pixels was expected, got '${seen}'`,
  });
}

/** Orders as keys, lists of pixels as values. */
function* jsonCells(text: string, where: string): Generator<CellRange, void, undefined> {
  let map: unknown;
  try {
    // Pixels of the finest orders do not fit a double: they are read as text.
    map = JSON.parse(text.replace(/([[,]\s*)(\d{16,20})(?=\s*[\],])/g, '$1"$2"'));
  } catch (error) {
    const detail = `not valid JSON: ${(error as Error).message.slice(0, 200)}`;
    throw fail('MOC_INVALID', { where, detail }, { cause: error });
  }
  for (const [key, pixels] of Object.entries(map as Record<string, unknown>)) {
    if (!/^\d{1,2}$/.test(key) || !Array.isArray(pixels))
      throw fail('MOC_INVALID', {
        where,
        detail: `its members must be an order with a list of pixels, got '${key.slice(0, 20)}'`,
      });
    checkOrder(Number(key), where);
    for (const pixel of pixels) {
      const text = typeof pixel === 'number' ? String(pixel) : pixel;
      if (typeof text !== 'string' || !/^\d{1,20}$/.test(text))
        throw fail('MOC_INVALID', {
          where,
          detail: `order ${key}: pixels must be whole numbers, got ${JSON.stringify(pixel)?.slice(0, 40)}`,
        });
      yield { order: Number(key), from: BigInt(text), to: BigInt(text) };
    }
  }
}

import { readFileSync } from 'node:fs';

/** Columns of doubles and floats (TFORM D, E) of the first binary table of a FITS file, by name; for tests only. */
export function fitsColumns(path: string, names: readonly string[]): Record<string, Float64Array> {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (;;) {
    const { cards, end } = header(bytes, at);
    if (cards.get('XTENSION')?.includes('BINTABLE')) return columns(view, cards, end, names);
    if (at > 0 || end >= bytes.length) throw new Error(`${path}: the first extension is no binary table`);
    // The primary header of such files has no data.
    at = end;
  }
}

function header(bytes: Buffer, from: number): { cards: Map<string, string>; end: number } {
  const cards = new Map<string, string>();
  for (let at = from; ; at += 80) {
    const card = bytes.toString('latin1', at, at + 80);
    if (card.startsWith('END ')) return { cards, end: from + Math.ceil((at + 80 - from) / 2880) * 2880 };
    if (card[8] === '=') cards.set(card.slice(0, 8).trim(), card.slice(10).split('/')[0].trim());
  }
}

const WIDTHS: Readonly<Record<string, number>> = { L: 1, B: 1, I: 2, J: 4, K: 8, E: 4, D: 8, A: 1 };

function columns(
  view: DataView,
  cards: ReadonlyMap<string, string>,
  start: number,
  names: readonly string[],
): Record<string, Float64Array> {
  const [width, rowCount, count] = ['NAXIS1', 'NAXIS2', 'TFIELDS'].map((key) => Number(cards.get(key)));
  const out: Record<string, Float64Array> = {};
  let offset = 0;
  for (let i = 1; i <= count; i++) {
    const name = (cards.get(`TTYPE${i}`) ?? '').replaceAll("'", '').trim();
    const [, repeat, type] = /^'(\d*)([A-Z])/.exec(cards.get(`TFORM${i}`) ?? '') ?? [];
    if (names.includes(name)) {
      const read = type === 'D' ? (at: number) => view.getFloat64(at) : (at: number) => view.getFloat32(at);
      out[name] = Float64Array.from({ length: rowCount }, (_, row) => read(start + row * width + offset));
    }
    offset += (repeat === '' ? 1 : Number(repeat)) * WIDTHS[type];
  }
  return out;
}

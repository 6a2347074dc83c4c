import type { ByteCursor } from './bytes.js';
import { fitsInvalid } from './fault.js';

const BLOCK_BYTES = 2880;
const CARD_BYTES = 80;
/** A table of 999 columns has some 10,000 cards. */
const MAX_BLOCKS = 2000;

/** The cards of one header, text values without quotes and trailing blanks (FITS standard 4.0, section 4). */
export class FitsHeader {
  private constructor(
    private readonly where: string,
    private readonly cards: ReadonlyMap<string, string>,
  ) {}

  /** Reads up to the block behind END; undefined where nothing follows any more. */
  static async read(bytes: ByteCursor, where: string): Promise<FitsHeader | undefined> {
    const cards = new Map<string, string>();
    let key = '';
    for (let block = 0; block < MAX_BLOCKS; block++) {
      const taken = await bytes.take(BLOCK_BYTES);
      if (block === 0 && taken.length === 0) return undefined;
      if (taken.length < BLOCK_BYTES) throw fitsInvalid(where, `it ends within the header at byte ${bytes.position}`);
      const text = Buffer.from(taken.buffer, taken.byteOffset, taken.length).toString('latin1');
      for (let at = 0; at < BLOCK_BYTES; at += CARD_BYTES) {
        const card = text.slice(at, at + CARD_BYTES);
        const name = card.slice(0, 8).trimEnd();
        if (name === 'END') return new FitsHeader(where, cards);
        const before = cards.get(key);
        // The text of a long value goes on behind an ampersand.
        if (name === 'CONTINUE' && before?.endsWith('&')) cards.set(key, before.slice(0, -1) + valueOf(card.slice(8)));
        else if (card.slice(8, 10) === '= ' && !cards.has(name)) cards.set((key = name), valueOf(card.slice(10)));
      }
    }
    throw fitsInvalid(where, `a header has no END within ${MAX_BLOCKS} blocks`);
  }

  text(key: string): string | undefined {
    return this.cards.get(key);
  }

  /** A whole number in [0, 2^53); `fallback` where there is no such card. */
  count(key: string, fallback?: number): number {
    const text = this.cards.get(key);
    if (text === undefined && fallback !== undefined) return fallback;
    const value = /^\+?\d{1,16}$/.test(text ?? '') ? Number(text) : NaN;
    if (Number.isSafeInteger(value)) return value;
    throw fitsInvalid(this.where, `${key} is ${text ?? 'missing'}, must be a whole number from 0`);
  }

  /** A finite number; `fallback` where there is no such card. */
  number(key: string, fallback: number): number {
    const text = this.cards.get(key);
    if (text === undefined) return fallback;
    const value = Number(text.replace(/[dD]/, 'e'));
    if (text !== '' && Number.isFinite(value)) return value;
    throw fitsInvalid(this.where, `${key} is ${text}, must be a number`);
  }

  /** Bytes of the data behind the header, without what fills their last block. */
  dataBytes(): number {
    const axes = Array.from({ length: Math.min(999, this.count('NAXIS', 0)) }, (_, i) => this.count(`NAXIS${i + 1}`));
    if (axes.length === 0) return 0;
    const bits = Math.abs(this.number('BITPIX', 8));
    const pixels = axes.reduce((product, length) => product * length);
    const bytes = (bits / 8) * this.count('GCOUNT', 1) * (this.count('PCOUNT', 0) + pixels);
    if (Number.isSafeInteger(bytes)) return bytes;
    throw fitsInvalid(this.where, `the sizes of a part multiply to ${bytes} bytes`);
  }
}

/** Bytes with what fills the last block. */
export function inBlocks(byteCount: number): number {
  return Math.ceil(byteCount / BLOCK_BYTES) * BLOCK_BYTES;
}

function valueOf(text: string): string {
  const quoted = /^\s*'((?:[^']|'')*)'/.exec(text);
  return quoted ? quoted[1].replaceAll("''", "'").trimEnd() : text.split('/', 1)[0].trim();
}

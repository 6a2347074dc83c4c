const LF = 10;
const CR = 13;
const QUOTE = 34;
const SPACE = 32;

export interface Cell {
  readonly text: string;
  readonly quoted: boolean;
}

export interface TextRecord {
  readonly cells: readonly Cell[];
  /** Line of its first byte, from 1. */
  readonly line: number;
  /** Bytes [from, to) with the line end. */
  readonly from: number;
  readonly to: number;
  /** False for a last record without line end: more may follow. */
  readonly ended: boolean;
}

/**
 * The records of a piece of CSV, plainly: RFC 4180, with LF, CR LF or CR as line end, blanks allowed around quotes, empty
 * lines left out. For heads and as the truth of the fast parser's tests; never for whole tables.
 */
export function* textRecords(
  bytes: Uint8Array,
  delimiter: number,
  from = 0,
  firstLine = 1,
): IterableIterator<TextRecord> {
  const decoder = new TextDecoder();
  let at = from;
  let line = firstLine;
  while (at < bytes.length) {
    const start = at;
    const startLine = line;
    const cells: Cell[] = [];
    let ended = false;
    for (;;) {
      const cellStart = at;
      let open = at;
      while (bytes[open] === SPACE) open++;
      if (bytes[open] === QUOTE) {
        const parts: number[] = [];
        at = open + 1;
        for (; at < bytes.length; at++) {
          if (bytes[at] === QUOTE) {
            if (bytes[at + 1] !== QUOTE) break;
            at++;
          } else if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) line++;
          parts.push(bytes[at]);
        }
        at++;
        while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== LF && bytes[at] !== CR) at++;
        cells.push({ text: decoder.decode(Uint8Array.from(parts)), quoted: true });
      } else {
        while (at < bytes.length && bytes[at] !== delimiter && bytes[at] !== LF && bytes[at] !== CR) at++;
        cells.push({ text: decoder.decode(bytes.subarray(cellStart, at)), quoted: false });
      }
      const end = bytes[at];
      if (at >= bytes.length) break;
      at++;
      if (end === delimiter) continue;
      if (end === CR && bytes[at] === LF) at++;
      line++;
      ended = true;
      break;
    }
    if (cells.length === 1 && !cells[0].quoted && cells[0].text === '') continue;
    yield { cells, line: startLine, from: start, to: Math.min(at, bytes.length), ended };
  }
}

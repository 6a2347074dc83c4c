import type { DeclaredColumn } from '../declared/declared-column.js';
import { parseAstropyHeader } from '../declared/astropy-yaml.js';
import type { Kind } from './kind.js';

const MARK = new TextEncoder().encode('# %ECSV');
const [SPACE, QUOTE, HASH, LF, CR] = [32, 34, 35, 10, 13];
/** ASCII's unit separator stands for the blanks between fields, which the parser takes for padding. */
export const BLANKS = 31;
/** The header of a table with very many columns. */
const HEADER_BYTES = 2 ** 22;

/** What the comments of an ECSV file say. */
export interface EcsvHeader {
  /** Byte between two fields. */
  readonly delimiter: number;
  readonly columns: readonly DeclaredColumn[];
}

/** Reads the comments in front of an ECSV table; undefined for other comments. */
export function ecsvHeader(comments: Uint8Array): EcsvHeader | undefined {
  if (!startsWith(comments, MARK)) return undefined;
  const lines = new TextDecoder().decode(comments).split(/\r\n|\n|\r/);
  const yaml = lines.slice(1).map((line) => line.replace(/^# ?/, ''));
  const header = parseAstropyHeader(yaml.join('\n').replace(/^---\n/, ''));
  const delimiter = header?.delimiter === ',' ? ','.charCodeAt(0) : BLANKS;
  return header && { delimiter, columns: header.columns };
}

const KINDS: Readonly<Record<string, Kind>> = {
  bool: 'bool',
  int8: 'int32',
  int16: 'int32',
  int32: 'int32',
  int64: 'int64',
  uint8: 'int32',
  uint16: 'int32',
  uint32: 'int64',
  float16: 'float32',
  float32: 'float32',
  float64: 'float64',
  float128: 'float64',
  string: 'utf8',
};

/** The type that a column is declared to have; undefined for one that CSV columns do not have. */
export function declaredKind({ datatype }: DeclaredColumn): Kind | undefined {
  return datatype !== undefined && Object.hasOwn(KINDS, datatype) ? KINDS[datatype] : undefined;
}

/**
 * The bytes of a text table with one delimiter: of an ECSV file whose fields are parted by blanks, each run of them outside quotes
 * becomes one BLANKS; everything else as it is.
 */
export async function* oneDelimiter(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let blanks: BlankFields | undefined;
  let head: Uint8Array | undefined = new Uint8Array(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield blanks ? blanks.map(chunk) : chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const dataAt = startsWith(head, MARK) ? endOfComments(head) : head.length < MARK.length ? undefined : 0;
    if (dataAt === undefined && head.length < HEADER_BYTES) continue;
    if (ecsvHeader(head.subarray(0, dataAt))?.delimiter === BLANKS) blanks = new BlankFields();
    yield blanks ? blanks.map(head) : head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

/** Blanks between fields, changed chunk by chunk. */
class BlankFields {
  #state: 'line' | 'comment' | 'field' | 'blanks' | 'quoted' = 'line';

  map(chunk: Uint8Array): Uint8Array {
    const out = new Uint8Array(chunk.length + 1);
    let to = 0;
    let state = this.#state;
    for (const c of chunk) {
      if (state === 'quoted') {
        if (c === QUOTE) state = 'field';
      } else if (c === LF || c === CR) state = 'line';
      else if (state === 'line' && c === HASH) state = 'comment';
      else if (state !== 'comment') {
        if (c === SPACE) {
          if (state === 'field') state = 'blanks';
          continue;
        }
        if (state === 'blanks') out[to++] = BLANKS;
        state = c === QUOTE ? 'quoted' : 'field';
      }
      out[to++] = c;
    }
    this.#state = state;
    return out.subarray(0, to);
  }
}

function startsWith(bytes: Uint8Array, mark: Uint8Array): boolean {
  return mark.every((c, at) => bytes[at] === c);
}

/** Where the first line that is no comment begins; undefined where it is not there yet. */
function endOfComments(bytes: Uint8Array): number | undefined {
  let at = 0;
  while (bytes[at] === HASH) {
    const end = bytes.indexOf(LF, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  return at < bytes.length ? at : undefined;
}

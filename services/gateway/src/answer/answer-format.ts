import { fail } from '@armilla/base';

/** Formats that an answer can be written in, by the name that `?format=` takes. The first is the default. */
export const ANSWER_FORMATS = {
  'arrow-stream': 'application/vnd.apache.arrow.stream',
  'arrow-file': 'application/vnd.apache.arrow.file',
  parquet: 'application/vnd.apache.parquet',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  jsonl: 'application/x-ndjson',
} as const;

export type AnswerFormat = keyof typeof ANSWER_FORMATS;

/**
 * The format that an Accept header asks for: highest q first, then the order of the header, then ours. A header that
 * allows none of them is FORMAT_NOT_WRITABLE (406).
 */
export function acceptedFormat(accept: string | undefined): AnswerFormat {
  const formats = Object.entries(ANSWER_FORMATS) as [AnswerFormat, string][];
  if (accept === undefined || accept.trim() === '') return 'arrow-stream';
  const ranges = parseAccept(accept);
  let best: { format: AnswerFormat; q: number; at: number } | undefined;
  for (const [format, mediaType] of formats) {
    const range = rangeOf(ranges, mediaType);
    if (range === undefined || range.q === 0) continue;
    if (best === undefined || range.q > best.q || (range.q === best.q && range.at < best.at))
      best = { format, q: range.q, at: range.at };
  }
  if (best === undefined)
    throw fail('FORMAT_NOT_WRITABLE', { got: accept.slice(0, 200), known: formats.map(([, type]) => type).join(', ') });
  return best.format;
}

/** The format of a name or a media type. Throws FORMAT_NOT_WRITABLE. */
export function namedFormat(text: string): AnswerFormat {
  const formats = Object.entries(ANSWER_FORMATS) as [AnswerFormat, string][];
  const wanted = text.split(';', 1)[0].trim().toLowerCase();
  const found = formats.find(([name, mediaType]) => name === wanted || mediaType === wanted);
  if (found) return found[0];
  throw fail('FORMAT_NOT_WRITABLE', {
    got: text.slice(0, 200),
    known: formats.map(([name, type]) => `${name} (${type})`).join(', '),
  });
}

interface MediaRange {
  readonly type: string;
  readonly q: number;
  readonly at: number;
}

function parseAccept(accept: string): MediaRange[] {
  return accept
    .split(',')
    .slice(0, 100)
    .map((item, at) => {
      const [type, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      const value = q === undefined ? 1 : Number(q.slice(2));
      return { type, q: value >= 0 && value <= 1 ? value : 0, at };
    });
}

/** The most specific range that covers `mediaType` decides (RFC 9110, 12.5.1). */
function rangeOf(ranges: readonly MediaRange[], mediaType: string): MediaRange | undefined {
  const [major] = mediaType.split('/');
  for (const wanted of [mediaType, `${major}/*`, '*/*']) {
    const found = ranges.find((range) => range.type === wanted);
    if (found) return found;
  }
  return undefined;
}

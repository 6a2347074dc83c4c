import { fail } from '@armilla/base';
import { formatOfName, parseFormat, type WrittenFormat } from '@armilla/tables';

/** In place of a file: standard input or standard output. */
export const STANDARD = '-';

/** Where a table goes. */
export interface TableOutput {
  /** '-' is standard output. */
  readonly path: string;
  readonly format: WrittenFormat;
  readonly overwrite: boolean;
}

/** By the name's end, unless `format` is given; CSV on standard output and devices. */
export function readOutput(
  flag: string,
  path: string,
  format: WrittenFormat | undefined,
  overwrite: boolean,
): TableOutput {
  if (path === '') throw fail('OPTION_INVALID', { field: flag, expected: 'a file or -', got: "''" });
  const device = path === STANDARD || path.startsWith('/dev/');
  const found = format ?? formatOfName(path) ?? (device ? 'csv' : undefined);
  if (found === undefined) {
    throw fail('OPTION_INVALID', {
      field: flag,
      expected:
        'a name that ends in .parquet, .csv, .tsv, .arrow, .arrows or .jsonl (.gz after those of text), or be given with --format',
      got: `'${path}'`,
    });
  }
  return { path, format: parseFormat(found), overwrite };
}

/** Comma separated. */
export const readList = (text: string): string[] => text.split(',').map((item) => item.trim());

/** `zip=utf8,flag=bool`. */
export function readTypes(text: string): Record<string, string> {
  return Object.fromEntries(
    readList(text).map((item) => {
      const at = item.lastIndexOf('=');
      if (at <= 0)
        throw fail('OPTION_INVALID', { field: '--types', expected: 'COLUMN=TYPE, comma separated', got: `'${item}'` });
      return [item.slice(0, at), item.slice(at + 1)];
    }),
  );
}

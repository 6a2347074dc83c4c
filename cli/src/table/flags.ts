import { fail } from '@armilla/base';
import { formatOfName, FORMATS, parseFormat, type WrittenFormat } from '@armilla/tables';

/** In place of a file: standard input or standard output. */
export const STANDARD = '-';

/** What a table is written as: a file, or a folder with a HATS catalog. */
export type OutputFormat = WrittenFormat | 'hats';

export const OUTPUT_FORMATS: readonly OutputFormat[] = [...FORMATS, 'hats'];

/** Where a table goes. */
export interface TableOutput {
  /** '-' is standard output. */
  readonly path: string;
  readonly format: OutputFormat;
  readonly overwrite: boolean;
}

/** Where a table goes that is one file. */
export type FileOutput = TableOutput & { readonly format: WrittenFormat };

export function isFileOutput(output: TableOutput): output is FileOutput {
  return output.format !== 'hats';
}

/** By the name's end, unless `format` is given: a HATS catalog where it is `/`; CSV on standard output and devices. */
export function readOutput(
  flag: string,
  path: string,
  format: OutputFormat | undefined,
  overwrite: boolean,
): TableOutput {
  if (path === '') throw fail('OPTION_INVALID', { field: flag, expected: 'a file or -', got: "''" });
  const device = path === STANDARD || path.startsWith('/dev/');
  const isFolder = path.endsWith('/');
  const found = format ?? (isFolder ? 'hats' : (formatOfName(path) ?? (device ? 'csv' : undefined)));
  if (found === 'hats' ? device : isFolder) {
    const detail =
      found === 'hats'
        ? `${flag}: a HATS catalog is a folder; give it a name`
        : `${flag}: '${path}' is a folder, and ${found} is a file; leave the '/' or --format out`;
    throw fail('OPTIONS_CONFLICT', { detail });
  }
  if (found === undefined) {
    throw fail('OPTION_INVALID', {
      field: flag,
      expected:
        'a name that ends in .parquet, .csv, .tsv, .arrow, .arrows or .jsonl (.gz after those of text) or, for a HATS catalog, in /, or be given with --format',
      got: `'${path}'`,
    });
  }
  return { path, format: found === 'hats' ? found : parseFormat(found), overwrite };
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

/** As `readOutput`, where a catalog is none of the choices. */
export function readFileOutput(
  flag: string,
  path: string,
  format: OutputFormat | undefined,
  overwrite: boolean,
): FileOutput {
  const output = readOutput(flag, path, format, overwrite);
  if (isFileOutput(output)) return output;
  throw fail('OPTIONS_CONFLICT', {
    detail: `${flag}: rejected rows have no place in a HATS catalog; give a file`,
  });
}

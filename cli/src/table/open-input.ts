import { fail } from '@armilla/base';
import { openTable, type TableReader } from '@armilla/tables';
import { STANDARD } from './flags.js';

type Types = Readonly<Record<string, string>>;

/** Opens a table that the command line names: a file, a glob, a folder, several of them, or `-`. Of `types` it takes what it has. */
export function openInput(
  name: string | readonly string[],
  { types, mixed, signal }: { readonly types?: Types; readonly mixed?: boolean; readonly signal: AbortSignal },
): Promise<TableReader> {
  const options = { types, typesWhereThere: true, mixed, signal };
  return openTable(name === STANDARD ? { name: 'standard input', stream: process.stdin } : name, options);
}

/** Refuses types of columns that no table has, or only one in a format with types of its own. */
export function checkTypes(types: Types | undefined, readers: readonly TableReader[]): void {
  for (const column of Object.keys(types ?? {})) {
    const having = readers.filter(({ schema }) => schema.fields.some(({ name }) => name === column));
    // One table may be of files in different formats.
    const formats = having.flatMap(({ format, parts }) => [format, ...(parts ?? []).map((part) => part.format)]);
    if (formats.some((format) => format === 'csv' || format === 'tsv')) continue;
    if (having.length > 0) {
      const [{ where, format }] = having;
      const detail = `--types: ${where} is ${format}, which has types of its own; they can be given for CSV and TSV only`;
      throw fail('OPTIONS_CONFLICT', { detail });
    }
    const available = readers.map(
      ({ where, schema }) => `${where}: ${schema.fields.map(({ name }) => name).join(', ')}`,
    );
    throw fail('COLUMN_NOT_FOUND', { where: '--types', column, available: available.join('; ') });
  }
}

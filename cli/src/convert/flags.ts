import { fail } from '@armilla/base';
import type { PositionColumnNames } from '@armilla/crossmatch';
import { type OutputFormat, readList, readOutput, readTypes, STANDARD, type TableOutput } from '../table/flags.js';
import { type HatsFlags, type Partitioning, readPartitioning } from '../table/hats-flags.js';

/** Flags as commander hands them over. */
export interface ConvertFlags extends HatsFlags {
  readonly columns?: string;
  readonly types?: string;
  readonly format?: OutputFormat;
  readonly ra?: string;
  readonly dec?: string;
  readonly overwrite?: boolean;
  readonly quiet?: boolean;
}

/** Tables that become one, as the command line asks for it. */
export interface ConvertTask {
  readonly operation: 'convert' | 'merge';
  readonly inputs: readonly string[];
  readonly output: TableOutput;
  readonly columns: readonly string[] | undefined;
  /** Of a HATS catalog. */
  readonly position: PositionColumnNames;
  readonly partitioning: Partitioning;
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly quiet: boolean;
  /** Not where the rows go to a terminal: the two would overwrite each other. */
  readonly showProgress: boolean;
}

export function readConvertTask(
  operation: 'convert' | 'merge',
  tables: readonly string[],
  flags: ConvertFlags,
): ConvertTask {
  const inputs = tables.slice(0, -1);
  const path = tables[tables.length - 1];
  if (inputs.length === 0)
    throw fail('OPTIONS_CONFLICT', {
      detail: `${operation} needs an input and an output: armilla ${operation} IN... OUT (- is standard input or output)`,
    });
  if (inputs.length > 1 && inputs.includes(STANDARD))
    throw fail('OPTIONS_CONFLICT', {
      detail: 'standard input is read once, as a table of its own; give it alone, or put it into a file first',
    });
  const columns = flags.columns === undefined ? undefined : readList(flags.columns);
  if (columns && (columns.includes('') || new Set(columns).size < columns.length))
    throw fail('OPTION_INVALID', {
      field: '--columns',
      expected: 'names of columns, each once',
      got: `'${flags.columns}'`,
    });
  const output = readOutput('OUT', path, flags.format, flags.overwrite ?? false);
  if (output.format !== 'hats' && (flags.ra ?? flags.dec) !== undefined)
    throw fail('OPTIONS_CONFLICT', { detail: '--ra and --dec are for a HATS catalog: OUT as NAME/, or --format hats' });
  return {
    operation,
    inputs,
    output,
    columns,
    position: { ra: flags.ra, dec: flags.dec },
    partitioning: readPartitioning(flags, output),
    types: flags.types === undefined ? undefined : readTypes(flags.types),
    quiet: flags.quiet ?? false,
    showProgress: flags.quiet !== true && !(path === STANDARD && process.stdout.isTTY),
  };
}

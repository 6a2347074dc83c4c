import { fail, parseAngleArcsec, parseDecDegrees, parseRaDegrees } from '@armilla/base';
import type { ConeOptions } from '@armilla/crossmatch';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import { readList, readOutput, readTypes, STANDARD, type TableOutput, type OutputFormat } from '../../table/flags.js';
import { type HatsFlags, type Partitioning, readPartitioning } from '../../table/hats-flags.js';
import { serverUrl } from '../flags.js';

/** Flags as commander hands them over; those of the table come by their names too. */
export interface ConeFlags extends HatsFlags {
  readonly ra?: string;
  readonly dec?: string;
  readonly radius?: string;
  readonly limit?: string;
  readonly columns?: string;
  readonly atEpoch?: string;
  readonly types?: string;
  readonly output: string;
  readonly format?: OutputFormat;
  readonly overwrite?: boolean;
  readonly server?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A cone search as the command line asks for it. */
export interface ConeTask {
  /** A file or, with `server`, a stored table. */
  readonly table: string;
  readonly options: ConeOptions;
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly output: TableOutput;
  /** Of an output that is a HATS catalog. */
  readonly partitioning: Partitioning;
  readonly server: URL | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Not where the result goes to a terminal: the two would overwrite each other. */
  readonly showProgress: boolean;
}

/** `--pm-dec`; `--ra-column`, as `--ra` is that of the centre. */
export function flagName(option: string): string {
  return `--${option.replaceAll('_', '-')}${option === 'ra' || option === 'dec' ? '-column' : ''}`;
}

/** Throws the problems of single flags and of flags that do not go together; those of the search come with the search. */
export function readConeTask(table: string, flags: ConeFlags): ConeTask {
  const { ra, dec, radius, limit, columns, server } = flags;
  const output = readOutput('--output', flags.output, flags.format, flags.overwrite ?? false);
  return {
    table: server === undefined ? table : table.replace(/^table:/, ''),
    options: {
      raDeg: parseRaDegrees(needed('--ra', '--ra 10.68', ra), '--ra'),
      decDeg: parseDecDegrees(needed('--dec', '--dec 41.27', dec), '--dec'),
      radiusArcsec: parseAngleArcsec(needed('--radius', '--radius 5arcmin', radius), '--radius'),
      table: tableOptions(flags),
      columns: columns === undefined ? undefined : readList(columns),
      limit: limit === undefined ? undefined : rowLimit(limit),
      atEpoch: flags.atEpoch,
    },
    types: flags.types === undefined ? undefined : readTypes(flags.types),
    output,
    partitioning: readPartitioning(flags, output),
    server: server === undefined ? undefined : serverUrl(server),
    json: flags.json ?? false,
    quiet: flags.quiet ?? false,
    showProgress: flags.quiet !== true && !(output.path === STANDARD && process.stdout.isTTY),
  };
}

function needed(field: string, example: string, value: string | undefined): string {
  if (value === undefined)
    throw fail('OPTION_INVALID', { field, expected: `given, for example ${example}`, got: 'nothing' });
  return value;
}

function rowLimit(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw fail('OPTION_INVALID', { field: '--limit', expected: 'a whole number of rows from 0', got: `'${text}'` });
  return Number(text);
}

/** A stored table has its index and its types: what says how a file is read is refused with it. */
function tableOptions(flags: ConeFlags): ConeOptions['table'] {
  const given = flags as unknown as Readonly<Record<string, string | undefined>>;
  const entries = SIDE_OPTIONS.flatMap(({ name, key, inCone }) => {
    if (!inCone) return [];
    const value = given[key === 'ra' || key === 'dec' ? `${key}Column` : key];
    if (value === undefined) return [];
    if (inCone === 'file' && flags.server !== undefined) refuseWithServer(flagName(name));
    return [[key, value]];
  });
  if (flags.types !== undefined && flags.server !== undefined) refuseWithServer('--types');
  return Object.fromEntries(entries) as ConeOptions['table'];
}

function refuseWithServer(flag: string): never {
  throw fail('OPTIONS_CONFLICT', { detail: `${flag} is for files: a stored table is indexed by its own positions` });
}

import { fail, parseAngleArcsec, parseBytes } from '@armilla/base';
import { type Multi, type TableOptions, type TablesJoin, type TablesOptions, TABLES_JOINS } from '@armilla/crossmatch';
import { SIDE_OPTIONS, TABLE_OPTIONS } from '@armilla/gateway/side-options';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import { readList, readOutput, readTypes, STANDARD, type TableOutput } from '../../table/flags.js';
import { type Partitioning, readPartitioning } from '../../table/hats-flags.js';
import { type CrossmatchFlags, refuseMemory, serverUrl } from '../flags.js';

/** Flags for several tables, beside those that two have as well. */
export interface TablesFlags {
  readonly multi?: Multi;
  readonly table?: readonly string[];
}

/** A match of several tables as the command line asks for it. */
export interface TablesTask {
  readonly inputs: readonly string[];
  readonly options: TablesOptions;
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly workerCount: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly output: TableOutput;
  /** Of an output that is a HATS catalog. */
  readonly partitioning: Partitioning;
  readonly server: URL | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly showProgress: boolean;
}

/** Whether the command line asks for a match of several tables. */
export function isOfTables(more: readonly string[], { multi, table }: TablesFlags): boolean {
  return more.length > 0 || multi !== undefined || table !== undefined;
}

/** Options that only two tables have. */
const FOR_TWO = [
  'find',
  'k',
  'minRadius',
  'maxSigma',
  'area',
  'moc',
  'where',
  'self',
  'groups',
  'suffixes',
  'rejected',
  'recenter',
  'assess',
  'report',
  'scratch',
  'resume',
  'securePosterior',
] as const satisfies readonly (keyof CrossmatchFlags)[];
const OPTIONS = new Map<string, keyof TableOptions>(
  TABLE_OPTIONS.map(({ name, key }) => [name.replaceAll('_', '-'), key as keyof TableOptions]),
);

/** Throws the problems of single flags and of flags that do not go together. */
export function readTablesTask(
  names: readonly (string | undefined)[],
  flags: CrossmatchFlags & TablesFlags,
): TablesTask {
  const inputs = names.filter((name) => name !== undefined);
  for (const name of FOR_TWO)
    if (flags[name] !== undefined) {
      const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw fail('OPTIONS_CONFLICT', { detail: `${flag} is for a match of two tables, without --multi and --table` });
    }
  if (flags.order !== 'left')
    throw fail('OPTIONS_CONFLICT', {
      detail: `several tables are matched in the order of the first, not --order ${flags.order}`,
    });
  if (inputs.filter((name) => name === STANDARD).length > 1)
    throw fail('OPTIONS_CONFLICT', { detail: 'only one table can come from standard input' });
  if (flags.radius === undefined)
    throw fail('OPTION_INVALID', {
      field: '--radius',
      expected: 'given, for example --radius 1arcsec',
      got: 'nothing',
    });
  refuseMemory(flags);
  const { probabilities, completeness, acceptableRatio } = flags;
  if (!probabilities && (completeness ?? acceptableRatio ?? flags.rightSkyArea ?? flags.magnitudePrior) !== undefined)
    throw fail('OPTIONS_CONFLICT', {
      detail: '--completeness, --magnitude-prior and their like go with --probabilities',
    });
  const output = readOutput('--output', flags.output, flags.format, flags.overwrite ?? false);
  return {
    inputs,
    options: {
      radiusArcsec: parseAngleArcsec(flags.radius, '--radius'),
      multi: flags.multi,
      join: tablesJoin(flags.join),
      tables: tableOptions(flags, inputs.length),
      probabilities: probabilities
        ? { completeness: number(completeness), acceptableRatio: number(acceptableRatio) }
        : undefined,
      columns: flags.columns === undefined ? undefined : readList(flags.columns),
      strict: flags.strict,
      maxRows: number(flags.maxPairs),
    },
    types: flags.types === undefined ? undefined : readTypes(flags.types),
    workerCount: number(flags.workers),
    memoryBytes: flags.memory === undefined ? undefined : parseBytes(flags.memory, '--memory'),
    output,
    partitioning: readPartitioning(flags, output),
    server: flags.server === undefined ? undefined : serverUrl(flags.server),
    json: flags.json ?? false,
    quiet: flags.quiet ?? false,
    showProgress: flags.quiet !== true && !(flags.output === STANDARD && process.stdout.isTTY),
  };
}

function tablesJoin(join: CrossmatchFlags['join']): TablesJoin | undefined {
  if (join === undefined || (TABLES_JOINS as readonly string[]).includes(join)) return join as TablesJoin | undefined;
  throw fail('OPTION_INVALID', {
    field: '--join',
    expected: `one of ${TABLES_JOINS.join(', ')} for several tables`,
    got: `'${join}'`,
  });
}

type Writable = { -readonly [K in keyof TableOptions]: TableOptions[K] };

function tableOptions(flags: CrossmatchFlags & TablesFlags, count: number): TableOptions[] {
  const tables = Array.from({ length: count }, (): Writable => ({}));
  const given = flags as unknown as Readonly<Record<string, string | undefined>>;
  for (const { name, key } of SIDE_OPTIONS)
    for (const [k, side] of (['left', 'right'] as const).entries()) {
      const value = given[`${side}${key[0].toUpperCase()}${key.slice(1)}`];
      if (value !== undefined)
        set(tables, k, name.replaceAll('_', '-'), value, `--${side}-${name.replaceAll('_', '-')}`);
    }
  if (flags.rightSkyArea !== undefined) set(tables, 1, 'sky-area', flags.rightSkyArea, '--right-sky-area');
  for (const text of flags.table ?? []) {
    const match = /^(\d+)\.([a-z-]+)=(.+)$/s.exec(text);
    if (!match) throw wrong('--table', 'K.OPTION=VALUE, such as 3.error=e_pos:mas', text);
    set(tables, Number(match[1]) - 1, match[2], match[3], '--table');
  }
  for (const text of flags.magnitudePrior ?? []) {
    const match = /^(\d+)\.(.+)$/s.exec(text);
    const table = match && tables[Number(match[1]) - 1];
    if (!match || !table) throw wrong('--magnitude-prior', `K.NAME=FILE with K from 1 to ${count}`, text);
    table.magnitudePriors = [...(table.magnitudePriors ?? []), match[2]];
  }
  return tables;
}

function set(tables: Writable[], k: number, option: string, value: string, flag: string): void {
  const table: Writable | undefined = tables[k];
  if (!table) throw wrong(flag, `of a table from 1 to ${tables.length}`, `${k + 1}.${option}`);
  const key = option === 'sky-area' ? 'skyAreaSquareDegrees' : option === 'completeness' ? option : OPTIONS.get(option);
  if (key === undefined)
    throw wrong(
      flag,
      `one of ${[...OPTIONS.keys(), 'sky-area', 'completeness'].join(', ')} for several tables`,
      option,
    );
  if (table[key] !== undefined)
    throw fail('OPTIONS_CONFLICT', { detail: `${option} of table ${k + 1} is given twice` });
  const numeric = option === 'sky-area' && value === 'full' ? WHOLE_SKY_SQUARE_DEGREES : number(value);
  Object.assign(table, { [key]: option === 'sky-area' || option === 'completeness' ? numeric : value });
}

/** NaN for what is no number, which the match refuses by the name of the option. */
function number(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return text.trim() === '' ? NaN : Number(text);
}

function wrong(field: string, expected: string, got: string) {
  return fail('OPTION_INVALID', { field, expected, got: `'${got.slice(0, 80)}'` });
}

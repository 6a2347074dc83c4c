import { basename, dirname, join, resolve } from 'node:path';
import { fail, parseAngleArcsec, parseBytes } from '@armilla/base';
import type { Find, Join, MatchOptions, Order, SideOptions } from '@armilla/crossmatch';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import { type ProbabilityFlags, readProbabilityFlags } from './probability-flags.js';
import {
  type FileOutput,
  type OutputFormat,
  readFileOutput,
  readList,
  readOutput,
  readTypes,
  STANDARD,
  type TableOutput,
} from '../table/flags.js';
import { type HatsFlags, type Partitioning, readPartitioning } from '../table/hats-flags.js';

const MAX_WORKERS = 256;
/** Begins the name of a table that the server keeps. */
export const STORED = 'table:';

/** Flags as commander hands them over. */
export interface CrossmatchFlags extends HatsFlags, ProbabilityFlags {
  readonly radius?: string;
  readonly find?: Find;
  readonly k?: string;
  readonly join?: Join;
  readonly minRadius?: string;
  readonly self?: string;
  readonly groups?: boolean;
  readonly maxSigma?: string;
  readonly area?: string;
  readonly moc?: string;
  readonly where?: string;
  readonly columns?: string;
  readonly suffixes?: string;
  readonly types?: string;
  readonly strict?: boolean;
  readonly rejected?: string;
  readonly assess?: boolean;
  readonly recenter?: boolean;
  readonly report?: string;
  readonly maxPairs?: string;
  readonly order: Order;
  readonly output: string;
  readonly format?: OutputFormat;
  readonly overwrite?: boolean;
  readonly workers?: string;
  readonly memory?: string;
  readonly scratch?: string;
  readonly resume?: boolean;
  readonly server?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A match as the command line asks for it. */
export interface MatchTask {
  readonly left: string;
  /** Undefined for a match of `left` with itself. */
  readonly right: string | undefined;
  readonly options: MatchOptions;
  /** File of a coverage map that is the area. */
  readonly mocPath: string | undefined;
  readonly workerCount: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Undefined where the join has to stay in memory. */
  readonly scratch: TaskScratch | undefined;
  readonly types: Readonly<Record<string, string>> | undefined;
  readonly output: TableOutput;
  /** Of an output that is a HATS catalog. */
  readonly partitioning: Partitioning;
  readonly rejected: FileOutput | undefined;
  /** Measure whether the match can be trusted. */
  readonly assess: boolean;
  /** Where to write a page about it. */
  readonly report: Omit<TableOutput, 'format'> | undefined;
  readonly server: URL | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Not where the result goes to a terminal: the two would overwrite each other. */
  readonly showProgress: boolean;
}

/** Where a join goes that does not fit the memory. */
export interface TaskScratch {
  readonly folder: string;
  readonly resume: boolean;
}

/** Throws the problems of single flags and of flags that do not go together; those of the match itself come with the match. */
export function readMatchTask(left: string | undefined, right: string | undefined, flags: CrossmatchFlags): MatchTask {
  const tables = readTables(left, right, flags);
  if (flags.radius === undefined)
    throw fail('OPTION_INVALID', {
      field: '--radius',
      expected: 'given, for example --radius 1arcsec',
      got: 'nothing',
    });
  const overwrite = flags.overwrite ?? false;
  const output = readOutput('--output', flags.output, flags.format, overwrite);
  refuseSharedOutput(flags);
  refuseLocalOnly(flags, tables.left);
  return {
    ...tables,
    options: {
      radiusArcsec: parseAngleArcsec(flags.radius, '--radius'),
      minRadiusArcsec: flags.minRadius === undefined ? undefined : parseAngleArcsec(flags.minRadius, '--min-radius'),
      find: flags.find,
      k: integer('--k', flags.k),
      join: flags.join,
      order: flags.order,
      selfMatch: flags.self === undefined ? undefined : flags.groups ? 'groups' : 'pairs',
      recenter: flags.recenter,
      maxSigma: flags.maxSigma === undefined ? undefined : Number(flags.maxSigma),
      area: flags.area,
      where: flags.where,
      probabilities: readProbabilityFlags(flags),
      left: sideOptions('left', flags),
      right: sideOptions('right', flags),
      columns: flags.columns === undefined ? undefined : readList(flags.columns),
      suffixes: flags.suffixes === undefined ? undefined : suffixPair(flags.suffixes),
      strict: flags.strict,
      maxPairs: integer('--max-pairs', flags.maxPairs),
    },
    mocPath: mocPath(flags),
    workerCount: integer('--workers', flags.workers, 1, MAX_WORKERS),
    memoryBytes: flags.memory === undefined ? undefined : parseBytes(flags.memory, '--memory'),
    scratch: taskScratch(flags, tables),
    types: flags.types === undefined ? undefined : readTypes(flags.types),
    output,
    partitioning: readPartitioning(flags, output),
    rejected:
      flags.rejected === undefined ? undefined : readFileOutput('--rejected', flags.rejected, undefined, overwrite),
    assess: flags.assess === true || flags.report !== undefined,
    report: flags.report === undefined ? undefined : { path: reportPath(flags.report), overwrite },
    server: flags.server === undefined ? undefined : serverUrl(flags.server),
    json: flags.json ?? false,
    quiet: flags.quiet ?? false,
    showProgress: flags.quiet !== true && !(flags.output === STANDARD && process.stdout.isTTY),
  };
}

function mocPath({ moc, area }: CrossmatchFlags): string | undefined {
  if (moc !== undefined && area !== undefined)
    throw fail('OPTIONS_CONFLICT', { detail: '--moc and --area are both areas: give one of them' });
  return moc;
}

/** The options of one table: `--left-pm-ra-cosdec` comes as `leftPmRaCosdec`. */
function sideOptions(side: 'left' | 'right', flags: CrossmatchFlags): SideOptions {
  const given = flags as unknown as Readonly<Record<string, string | undefined>>;
  return Object.fromEntries(
    SIDE_OPTIONS.flatMap(({ key }) => {
      const value = given[`${side}${key[0].toUpperCase()}${key.slice(1)}`];
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** The http or https address of a server. */
export function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw fail('OPTION_INVALID', {
      field: '--server',
      expected: 'an address such as http://127.0.0.1:7431',
      got: `'${text}'`,
    });
  }
  return url;
}

function readTables(
  left: string | undefined,
  right: string | undefined,
  flags: CrossmatchFlags,
): Pick<MatchTask, 'left' | 'right'> {
  const refuse = (detail: string): never => {
    throw fail('OPTIONS_CONFLICT', { detail });
  };
  if (flags.self !== undefined) {
    if (left !== undefined) refuse('--self takes its one table; leave the others out');
    return { left: flags.self, right: undefined };
  }
  if (flags.groups) refuse('--groups goes with --self');
  if (left === undefined || right === undefined)
    return refuse('two tables are needed, LEFT and RIGHT (or --self TABLE)');
  if (flags.server !== undefined && left.startsWith(STORED) && !right.startsWith(STORED))
    refuse('with a stored left table the right one has to be stored as well: name it table:NAME');
  if (left === STANDARD && right === STANDARD) refuse('only one table can come from standard input');
  return { left, right };
}

/** One would replace the other, or be mixed with it. */
function refuseSharedOutput({ output, rejected, report }: CrossmatchFlags): void {
  const place = (path: string): string => (path === STANDARD ? '/dev/stdout' : resolve(path));
  const taken = new Map([[place(output), '--output']]);
  for (const [flag, path] of Object.entries({ '--rejected': rejected, '--report': report })) {
    if (path === undefined || path === '/dev/null') continue;
    const other = taken.get(place(path));
    if (other !== undefined)
      throw fail('OPTIONS_CONFLICT', { detail: `${other} and ${flag} are both '${path}'; give each its own file` });
    taken.set(place(path), flag);
  }
}

function reportPath(path: string): string {
  if (path !== '' && path !== STANDARD) return path;
  throw fail('OPTION_INVALID', { field: '--report', expected: 'a file such as match.html', got: `'${path}'` });
}

/** A server plans with the memory that its operator gave it, and reads twice only what it keeps. */
function refuseLocalOnly(flags: CrossmatchFlags, left: string): void {
  const { server, recenter } = flags;
  refuseMemory(flags);
  if (server === undefined) return;
  if (recenter && !left.startsWith(STORED))
    throw fail('OPTIONS_CONFLICT', {
      detail:
        '--recenter reads the left table twice, and a server keeps none that is sent: store it there first and name it table:NAME, or leave --server out',
    });
}

export function refuseMemory({ server, memory }: CrossmatchFlags): void {
  if (server === undefined || memory === undefined) return;
  throw fail('OPTIONS_CONFLICT', {
    detail:
      "--memory is for matches in this process; with --server leave it out, and set the server's own limit where it is started (armilla serve --memory-limit-bytes)",
  });
}

/** Beside the output unless told otherwise, under its name: a folder is of one match. */
function taskScratch(
  { scratch, resume, output, server }: CrossmatchFlags,
  { left, right }: Pick<MatchTask, 'left' | 'right'>,
): TaskScratch | undefined {
  const refuse = (detail: string): never => {
    throw fail('OPTIONS_CONFLICT', { detail });
  };
  const flag = scratch !== undefined ? '--scratch' : resume ? '--resume' : undefined;
  if (flag && server !== undefined) refuse(`${flag} is for a match in this process, not on a server`);
  if (flag && [left, right].includes(STANDARD))
    refuse(`${flag}: a join by way of the disk reads its tables twice, and standard input has passed by: give a file`);
  if (scratch === '') throw fail('OPTION_INVALID', { field: '--scratch', expected: 'a folder', got: "''" });
  const isFile = output !== STANDARD && !output.startsWith('/dev/');
  if (!isFile && scratch === undefined)
    return resume ? refuse('--resume without an output file needs --scratch') : undefined;
  const name = `${isFile ? basename(output) : 'result'}.scratch`;
  return { folder: join(scratch ?? dirname(output), name), resume: resume ?? false };
}

function integer(
  field: string,
  text: string | undefined,
  minimum = 0,
  maximum = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw fail('OPTION_INVALID', { field, expected: 'a whole number', got: `'${text}'` });
  const number = Number(text);
  if (number < minimum || number > maximum)
    throw fail('OPTION_INVALID', { field, expected: `a whole number in [${minimum}, ${maximum}]`, got: `'${text}'` });
  return number;
}

function suffixPair(text: string): [string, string] {
  const items = text.split(',');
  if (items.length !== 2)
    throw fail('OPTION_INVALID', { field: '--suffixes', expected: 'two texts such as _1,_2', got: `'${text}'` });
  return [items[0], items[1]];
}

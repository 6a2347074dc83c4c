import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { median, summarise } from '../measure.js';
import { runTree, type TreeUsage } from '../process-tree.js';
import type { BenchOptions, CaseResult } from './case.js';
import { type DiskTables, diskTables } from './disk-tables.js';

const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin', 'armilla.mjs');

/** A command line from files to a file, measured as a whole: starting the program is in it. */
export interface CommandCase {
  readonly name: string;
  readonly rowCount: number;
  readonly repeats: number;
  /** Runs once, outside the clock. */
  readonly before?: (tables: DiskTables, folder: string) => readonly (readonly string[])[];
  readonly args: (tables: DiskTables, folder: string) => readonly string[];
  /** Of the output, in the folder. */
  readonly output: string;
}

const ERRORS = ['--left-error', '0.3arcsec', '--right-error', '0.3arcsec'];

/** Of tables that are made on first use, as those of the disk cases. */
export function commandCases(quick: boolean): readonly CommandCase[] {
  const rowCount = quick ? 20_000 : 1_000_000;
  const match =
    (...options: string[]): CommandCase['args'] =>
    ({ left, right }) => ['crossmatch', left, right, '--radius', '2arcsec', ...options];
  const one = (name: string, args: CommandCase['args'], output = 'command.parquet'): CommandCase => ({
    name,
    rowCount,
    repeats: 3,
    args,
    output,
  });
  return [
    one('command errors and where', match(...ERRORS, '--max-sigma', '3', '--where', 'left.id <> right.id')),
    one('command area', match('--area', 'cone(180, 0, 20deg)')),
    one('command assess', match('--assess')),
    one(
      'command probabilities',
      match('--probabilities', ...ERRORS, '--right-sky-area', '41252.96', '--completeness', '0.6'),
    ),
    one('command three tables', ({ left, right }) => ['crossmatch', left, right, left, '--radius', '2arcsec']),
    one('command cone', ({ left }) => ['crossmatch', 'cone', left, '--ra', '180', '--dec', '0', '--radius', '5deg']),
    one('command hats out', ({ left }) => ['convert', left], 'command-hats/'),
    {
      ...one('command hats in', (_, folder) => [
        'crossmatch',
        join(folder, 'left-hats'),
        join(folder, 'right-hats'),
        '--radius',
        '2arcsec',
      ]),
      before: ({ left, right }, folder) => [
        ['convert', left, join(folder, 'left-hats/'), '--overwrite', '--quiet'],
        ['convert', right, join(folder, 'right-hats/'), '--overwrite', '--quiet'],
      ],
    },
  ];
}

export async function runCommandCase(one: CommandCase, { folder, log }: BenchOptions): Promise<CaseResult> {
  const tables = await diskTables(one.rowCount, log);
  for (const args of one.before?.(tables, folder) ?? []) await run(args);
  const output = join(folder, one.output);
  const isConvert = one.args(tables, folder)[0] === 'convert';
  const runs: TreeUsage[] = [];
  for (let repeat = 0; repeat < one.repeats; repeat++) {
    const args = [...one.args(tables, folder), ...(isConvert ? [output] : ['-o', output]), '--quiet'];
    runs.push(await run(args));
    rmSync(output, { recursive: true, force: true });
  }
  return {
    case: one.name,
    rows: `${one.rowCount} a table`,
    ours: summarise(
      runs.map(({ seconds }) => seconds),
      median(runs.map(({ cpuSeconds }) => cpuSeconds)),
      Math.max(...runs.map(({ peakRssMib }) => peakRssMib)),
    ),
    peers: [],
    ratio_to_best_peer: undefined,
    facts: {},
  };
}

async function run(args: readonly string[]): Promise<TreeUsage> {
  const usage = await runTree(process.execPath, [bin, ...args]);
  if (usage.code !== 0) throw new Error(`armilla ${args[0]} failed: ${usage.stderr}`);
  return usage;
}

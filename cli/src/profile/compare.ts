import { Command } from 'commander';
import { fail } from '@armilla/base';
import { type GateResult, type OpComparison, regressionGate, renderDashboard } from '@armilla/gpu-core';
import { checkOutput, writeFileOutput } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { printLine } from '../terminal/standard-output.js';
import { textTable } from '../terminal/text-table.js';
import { readProfile, shown } from './read-profile.js';

interface CompareFlags {
  readonly gate?: boolean;
  readonly tolerance: string;
  readonly html?: string;
  readonly overwrite?: boolean;
  readonly json?: boolean;
}

/** `armilla profile compare A B`. */
export function compareCommand(context: CommandContext): Command {
  return new Command('compare')
    .description('Which operations became slower or faster from one profile to another, and how sure that is.')
    .argument('<before>', 'profile of format json')
    .argument('<after>', 'profile of format json')
    .option('--gate', 'end with 1 where an operation became slower')
    .option('--tolerance <share>', 'a change of the median by less is none', '0.05')
    .option('--html <file>', 'write the dashboard of both, with their differences')
    .option('--overwrite', 'replace that file if it exists')
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action((before: string, after: string, flags: CompareFlags) => compare(before, after, flags, context));
}

const EXAMPLES = `Examples:
  armilla profile compare before.json after.json
  armilla profile compare before.json after.json --gate --html difference.html
`;

async function compare(before: string, after: string, flags: CompareFlags, context: CommandContext): Promise<void> {
  const { gate, html, overwrite, json } = flags;
  const tolerance = Number(flags.tolerance);
  if (!(tolerance >= 0 && tolerance <= 10) || flags.tolerance.trim() === '') {
    const got = `'${flags.tolerance}'`;
    throw fail('OPTION_INVALID', { field: '--tolerance', expected: 'a number in [0, 10]', got });
  }
  if (html !== undefined) await checkOutput(html, { overwrite });
  const profiles = [await readProfile(before), await readProfile(after)] as const;
  const result = regressionGate(...profiles, { tolerance });
  if (html !== undefined) {
    const page = new TextEncoder().encode(renderDashboard(profiles));
    await writeFileOutput(html, once(page), { overwrite, signal: context.signal });
  }
  const { verdict, messages, comparisons } = result;
  await printLine(json ? JSON.stringify(snakeCaseKeys({ verdict, messages, comparisons })) : resultText(result));
  if (gate) context.exit(result.exitCode);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function resultText({ verdict, messages, comparisons }: GateResult): string {
  const rows = [
    ['operation', 'device', 'verdict', 'median before', 'after', 'ratio', '95 %', 'p', 'calls'],
    ...comparisons.map(rowOf),
  ];
  return [textTable(rows), ...messages.map(shown), verdict].join('\n');
}

function rowOf(row: OpComparison): string[] {
  const known = (value: number, text: (value: number) => string): string => (Number.isNaN(value) ? '-' : text(value));
  const ms = (ns: number): string => known(ns, (value) => `${(value / 1e6).toPrecision(3)} ms`);
  const digits = (value: number): string => known(value, (one) => one.toFixed(2));
  return [
    shown(row.op),
    shown(row.device),
    row.verdict,
    ms(row.medianANs),
    ms(row.medianBNs),
    digits(row.ratio),
    Number.isNaN(row.ratioLow) ? '-' : `${digits(row.ratioLow)} to ${digits(row.ratioHigh)}`,
    known(row.pValue, (value) => value.toPrecision(2)),
    `${row.countA}, ${row.countB}`,
  ];
}

import { formatCount } from '@armilla/base';
import type { HatsWritten } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { checkTableOutput } from '../../table/check-output.js';
import { STANDARD } from '../../table/flags.js';
import { refuseOwnOutput } from '../../table/own-output.js';
import { catalogText } from '../../table/write-catalog.js';
import { printLine } from '../../terminal/standard-output.js';
import type { ConeTask } from './flags.js';
import { searchHere } from './local.js';
import { searchThere } from './remote.js';

/** What a search found, by the names of its provenance, and how long it took. */
export interface ConeFound {
  readonly counts: Readonly<Record<string, number | boolean>>;
  readonly seconds: number;
  /** The HATS catalog that was written, if it was one. */
  readonly catalog: HatsWritten | undefined;
}

/** Searches here or on a server, and tells what was found. */
export async function runCone(task: ConeTask, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { output } = task;
  await checkTableOutput(output);
  if (task.server === undefined) await refuseOwnOutput([task.table], output, context.signal);
  const found =
    task.server === undefined ? await searchHere(task, context) : await searchThere(task, task.server, context);
  terminal.clear();
  if (task.json) {
    const text = JSON.stringify({ ...found.counts, total_seconds: found.seconds });
    if (output.path === STANDARD) terminal.line(text);
    else await printLine(text);
  } else if (!task.quiet) terminal.line(foundText(task, found));
}

function foundText({ table, output }: ConeTask, { counts, seconds, catalog }: ConeFound): string {
  const count = (name: string, noun?: string): string => formatCount(Number(counts[name] ?? 0), noun);
  const where =
    output.path === STANDARD ? '' : ` to ${output.path}${catalog === undefined ? '' : ` (${catalogText(catalog)})`}`;
  const parts = [`${table}: ${count('table_row_count', 'row')}`];
  for (const [name, text] of [
    ['skipped_row_count', 'not read: they lie elsewhere'],
    ['rejected_row_count', 'rejected'],
    ['filtered_row_count', 'in the cone left out by the condition'],
    ['missing_motion_row_count', 'found without a known proper motion, not moved'],
  ] as const)
    if (Number(counts[name] ?? 0) > 0) parts.push(`${count(name)} ${text}`);
  const cut = counts.overflow === true ? `, the nearest of ${count('found_row_count')} found` : '';
  return `${parts.join('; ')}\n${count('row_count', 'row')}${where}${cut} in ${seconds.toFixed(2)} s`;
}

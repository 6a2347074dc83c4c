import { formatCount } from '@armilla/base';
import type { TablesSummary } from '@armilla/crossmatch';
import type { HatsWritten } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { checkTableOutput } from '../../table/check-output.js';
import { STANDARD } from '../../table/flags.js';
import { refuseOwnOutput } from '../../table/own-output.js';
import { catalogText, unplacedJson } from '../../table/write-catalog.js';
import { printLine } from '../../terminal/standard-output.js';
import { STORED } from '../flags.js';
import { snakeCaseKeys } from '../json-names.js';
import { histogramFiles, readHistograms } from '../probability-flags.js';
import { sideText } from '../summary-text.js';
import type { TablesTask } from './flags.js';
import { matchTablesHere } from './local.js';
import { matchTablesThere } from './remote.js';

/** What a match of several tables gave. */
export interface TablesWritten {
  readonly summary: TablesSummary;
  /** The HATS catalog that was written, if it was one. */
  readonly catalog: HatsWritten | undefined;
}

/** Matches several tables here or on a server, and tells what it did. */
export async function runTables(task: TablesTask, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { output, options, server } = task;
  await checkTableOutput(output);
  const files = server === undefined ? task.inputs : task.inputs.filter((input) => !input.startsWith(STORED));
  const histograms = (options.tables ?? []).flatMap(({ magnitudePriors }) => histogramFiles(magnitudePriors));
  await refuseOwnOutput([...files, ...histograms], output, context.signal);
  const tables = [];
  for (const table of options.tables ?? [])
    tables.push({ ...table, magnitudePriors: await readHistograms(table.magnitudePriors) });
  const whole = { ...task, options: { ...options, tables } };
  const { summary, catalog } =
    server === undefined ? await matchTablesHere(whole, context) : await matchTablesThere(whole, server, context);
  terminal.clear();
  if (task.json) {
    const text = JSON.stringify({ ...(snakeCaseKeys(summary) as object), ...unplacedJson(catalog) });
    if (output.path === STANDARD) terminal.line(text);
    else await printLine(text);
  } else if (!task.quiet) terminal.line(tablesText(task, summary, catalog));
}

function tablesText(
  { inputs, output }: TablesTask,
  { tables, rowCount, totalSeconds, warnings }: TablesSummary,
  catalog: HatsWritten | undefined,
): string {
  const where =
    output.path === STANDARD ? '' : ` to ${output.path}${catalog === undefined ? '' : ` (${catalogText(catalog)})`}`;
  return [
    ...warnings.map((warning) => `warning: ${warning}`),
    ...tables.map((table, k) => sideText(`${k + 1}`, inputs[k], table)),
    `${formatCount(rowCount, 'row')}${where} in ${totalSeconds.toFixed(2)} s`,
  ].join('\n');
}

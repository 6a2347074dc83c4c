import { type MatchSummary } from '@armilla/crossmatch';
import { checkOutput, type HatsWritten } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { printLine } from '../terminal/standard-output.js';
import { checkTableOutput } from '../table/check-output.js';
import { STANDARD } from '../table/flags.js';
import { refuseOwnOutput } from '../table/own-output.js';
import { catalogText, unplacedJson } from '../table/write-catalog.js';
import { type MatchTask, STORED } from './flags.js';
import { snakeCaseKeys } from './json-names.js';
import { matchHere } from './local.js';
import { histogramFiles, withHistograms } from './probability-flags.js';
import { withMoc } from './read-moc.js';
import { checkScratch } from './scratch.js';
import { matchThere } from './remote.js';
import { summaryText } from './summary-text.js';

/** What a match gave. */
export interface MatchWritten {
  readonly summary: MatchSummary;
  /** The HATS catalog that was written, if it was one. */
  readonly catalog: HatsWritten | undefined;
}

/** Runs a match here or on a server, and tells what it did. */
export async function runMatch(task: MatchTask, context: CommandContext): Promise<void> {
  const { terminal } = context;
  const { output, rejected, report, left, right, server } = task;
  await checkTableOutput(output);
  if (rejected) await checkTableOutput(rejected);
  if (report) await checkOutput(report.path, { overwrite: report.overwrite });
  if (task.scratch) await checkScratch(task.scratch);
  const tables = [left, right].filter((name) => name !== undefined && !(server && name.startsWith(STORED))) as string[];
  const files = [...tables, ...histogramFiles(task.options.probabilities?.magnitudePriors)];
  if (task.mocPath !== undefined) files.push(task.mocPath);
  for (const written of [output, rejected, report]) if (written) await refuseOwnOutput(files, written, context.signal);
  const whole = await withHistograms(await withMoc(task));
  const { summary, catalog } =
    server === undefined ? await matchHere(whole, context) : await matchThere(whole, server, context);
  terminal.clear();
  if (catalog && !task.quiet) terminal.line(`${output.path}: ${catalogText(catalog)}`);
  if (task.json) await tellJson(task, { ...(snakeCaseKeys(summary) as object), ...unplacedJson(catalog) }, context);
  else if (!task.quiet) terminal.line(summaryText(task, summary));
}

/** On standard output, unless the result is there. */
async function tellJson(task: MatchTask, summary: object, { terminal }: CommandContext): Promise<void> {
  const text = JSON.stringify(summary);
  if (task.output.path === STANDARD) terminal.line(text);
  else await printLine(text);
}

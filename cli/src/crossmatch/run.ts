import { type MatchSummary } from '@armilla/crossmatch';
import { checkOutput } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { printLine } from '../terminal/standard-output.js';
import { type MatchTask, STANDARD } from './flags.js';
import { snakeCaseKeys } from './json-names.js';
import { matchHere } from './local.js';
import { withMoc } from './read-moc.js';
import { matchThere } from './remote.js';
import { summaryText } from './summary-text.js';

/** Runs a match here or on a server, and tells what it did. */
export async function runMatch(task: MatchTask, context: CommandContext): Promise<void> {
  const { terminal } = context;
  for (const { path, overwrite } of [task.output, task.rejected, task.report].filter((one) => one !== undefined)) {
    if (path !== STANDARD) await checkOutput(path, { overwrite });
  }
  const whole = await withMoc(task);
  const summary =
    task.server === undefined ? await matchHere(whole, context) : await matchThere(whole, task.server, context);
  terminal.clear();
  if (task.json) await tellJson(task, summary, context);
  else if (!task.quiet) terminal.line(summaryText(task, summary));
}

/** On standard output, unless the result is there. */
async function tellJson(task: MatchTask, summary: MatchSummary, { terminal }: CommandContext): Promise<void> {
  const text = JSON.stringify(snakeCaseKeys(summary));
  if (task.output.path === STANDARD) terminal.line(text);
  else await printLine(text);
}

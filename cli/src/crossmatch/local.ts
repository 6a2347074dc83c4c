import { formatBytes, formatCount } from '@armilla/base';
import { crossmatch, type MatchContext, type MatchSummary, type Progress, selfMatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { type TableReader, writePickedRows, writeTable } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { standardOutput } from '../terminal/standard-output.js';
import { type MatchTask, STANDARD } from './flags.js';
import { checkTypes, openInput } from './open-input.js';
import { RejectedRows } from './rejected-rows.js';

/** Matches in this process. */
export async function matchHere(task: MatchTask, { signal, terminal }: CommandContext): Promise<MatchSummary> {
  const rejected = task.rejected ? new RejectedRows() : undefined;
  await using runtime = await Runtime.create({ workerCount: task.workerCount, memoryLimitBytes: task.memoryBytes });
  const started = performance.now();
  const context: MatchContext = {
    runtime,
    execution: { workerCount: task.workerCount, memoryBytes: task.memoryBytes },
    signal,
    onProgress: !task.showProgress
      ? undefined
      : (progress) => terminal.progress(() => progressText(progress, performance.now() - started)),
    onRejected: rejected && ((row) => rejected.add(row)),
    assess: task.assess,
    // Standard input has passed by when it has been read.
    openLeftAgain: task.left === STANDARD ? undefined : () => openInput(task.left, { types: task.types, signal }),
  };
  const [left, right] = await openTables(task, signal);
  const matching =
    right === undefined ? selfMatch(left, task.options, context) : crossmatch(left, right, task.options, context);
  await using stream = await matching;
  const output = task.output.path === STANDARD ? standardOutput() : task.output.path;
  const { format, overwrite } = task.output;
  const picked = format === 'parquet' ? stream.picked() : undefined;
  if (picked) await writePickedRows(output, stream.schema, picked, { overwrite, signal });
  else await writeTable(output, stream.schema, stream, { format, overwrite, signal });
  if (task.rejected && rejected) {
    const { path, format, overwrite } = task.rejected;
    await writeTable(path === STANDARD ? standardOutput() : path, rejected.schema, rejected.batches(), {
      format,
      overwrite,
      signal,
    });
  }
  const summary = stream.summary();
  const assessment = stream.assessment();
  if (task.report && assessment) {
    // Drawing takes a library that no other command needs.
    const { writeReport } = await import('./report/report.js');
    await writeReport(task.report, { task, summary, ...assessment }, signal);
  }
  return summary;
}

/** The left table and, unless it is matched with itself, the right one. */
async function openTables(
  { left, right, types }: MatchTask,
  signal: AbortSignal,
): Promise<[TableReader, TableReader?]> {
  const readers: TableReader[] = [];
  try {
    const first = await openInput(left, { types, signal });
    readers.push(first);
    if (right !== undefined) readers.push(await openInput(right, { types, signal }));
    checkTypes(types, readers);
    return [first, readers[1]];
  } catch (error) {
    for (const reader of readers) await reader.close();
    throw error;
  }
}

export function progressText(
  { stage, leftRowCount, rightRowCount, resultRowCount, fraction }: Progress,
  elapsedMs: number,
): string {
  const seconds = elapsedMs / 1000;
  const rows = leftRowCount + rightRowCount;
  const parts = [
    stage === 'index'
      ? `indexing: ${formatCount(rightRowCount)} right rows`
      : `matching: ${formatCount(leftRowCount)} left rows, ${formatCount(resultRowCount)} result rows`,
    `${seconds.toFixed(1)} s`,
    `${formatCount(Math.round(rows / Math.max(seconds, 1e-3)))} rows/s`,
    formatBytes(process.memoryUsage.rss()),
  ];
  if (fraction !== undefined && fraction > 0) {
    parts.push(`${Math.round(fraction * 100)} %`, `${Math.ceil((seconds * (1 - fraction)) / fraction)} s left`);
  }
  return parts.join(' · ');
}

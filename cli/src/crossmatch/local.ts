import { formatBytes, formatCount } from '@armilla/base';
import {
  crossmatch,
  type MatchContext,
  type MatchStream,
  matchProvenance,
  type Progress,
  resultPixels,
  selfMatch,
} from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { type HatsWritten, type RowPixels, type TableReader, writePickedRows, writeTable } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { type DescribedInput, describeInputs } from '../provenance/inputs.js';
import { provenanceOptions } from '../provenance/result.js';
import { standardOutput } from '../terminal/standard-output.js';
import { STANDARD } from '../table/flags.js';
import { writeResult } from '../table/write-result.js';
import type { MatchTask } from './flags.js';
import { checkTypes, openInput } from '../table/open-input.js';
import { taskProvenance } from './provenance.js';
import { scratchOptions, scratchText, unfinishedText } from './scratch.js';
import { RejectedRows } from './rejected-rows.js';
import type { MatchWritten } from './run.js';

/** Matches in this process. */
export async function matchHere(task: MatchTask, { signal, terminal }: CommandContext): Promise<MatchWritten> {
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
  const { readers, inputs } = await openTables(task, signal);
  const scratch = await scratchOptions(task);
  const [left, right] = readers;
  const matching =
    right === undefined
      ? selfMatch(left, task.options, { ...context, scratch })
      : crossmatch(left, right, task.options, { ...context, scratch });
  await using stream = await matching;
  const provenance = taskProvenance(task, { ...matchProvenance(stream) }, inputs, () => stream.summary());
  const { metadata, sidecar } = provenanceOptions(task.output, stream.schema, provenance);
  const { spill } = stream.plan;
  if (spill && task.scratch && !task.quiet) terminal.line(scratchText(spill, task.scratch));
  if (stream.readNote !== undefined && !task.quiet) terminal.line(stream.readNote);
  let catalog: HatsWritten | undefined;
  try {
    catalog = await writeMatches(task, stream, { metadata, sidecar }, signal);
  } catch (error) {
    await stream.close();
    if (spill && task.scratch && !task.quiet) terminal.line(unfinishedText(task.scratch));
    throw error;
  }
  await stream.removeScratch();
  if (task.rejected && rejected) {
    const { path, format, overwrite } = task.rejected;
    await writeTable(path === STANDARD ? standardOutput() : path, rejected.schema, rejected.batches(), {
      format,
      overwrite,
      signal,
      metadata,
    });
  }
  const summary = stream.summary();
  const assessment = stream.assessment();
  if (task.report && assessment) {
    // Drawing takes a library that no other command needs.
    const { writeReport } = await import('./report/report.js');
    await writeReport(task.report, { task, summary, ...assessment }, signal);
  }
  return { summary, catalog };
}

/** Gives what there is to say of a catalog. */
async function writeMatches(
  { output, partitioning }: MatchTask,
  stream: MatchStream,
  { metadata, sidecar }: ReturnType<typeof provenanceOptions>,
  signal: AbortSignal,
): Promise<HatsWritten | undefined> {
  const { path, format, overwrite } = output;
  const picked = format === 'parquet' ? stream.picked() : undefined;
  if (!picked) {
    const pixels = (): RowPixels => resultPixels(stream);
    const rows = { schema: stream.schema, batches: stream, metadata, sidecar, pixels };
    return writeResult(output, partitioning, rows, signal);
  }
  const target = path === STANDARD ? standardOutput() : path;
  await writePickedRows(target, stream.schema, picked, { overwrite, signal, metadata });
  return undefined;
}

interface OpenTables {
  /** The left table and, unless it is matched with itself, the right one. */
  readonly readers: readonly [TableReader, TableReader?];
  readonly inputs: readonly DescribedInput[];
}

async function openTables({ left, right, types }: MatchTask, signal: AbortSignal): Promise<OpenTables> {
  const readers: TableReader[] = [];
  try {
    const first = await openInput(left, { types, signal });
    readers.push(first);
    if (right !== undefined) readers.push(await openInput(right, { types, signal }));
    checkTypes(types, readers);
    const inputs = await describeInputs([left], first, signal);
    if (right !== undefined) inputs.push(...(await describeInputs([right], readers[1], signal)));
    return { readers: [first, readers[1]], inputs };
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
    stageText(stage, leftRowCount, rightRowCount, resultRowCount),
    `${seconds.toFixed(1)} s`,
    `${formatCount(Math.round(rows / Math.max(seconds, 1e-3)))} rows/s`,
    formatBytes(process.memoryUsage.rss()),
  ];
  if (fraction !== undefined && fraction > 0) {
    parts.push(`${Math.round(fraction * 100)} %`, `${Math.ceil((seconds * (1 - fraction)) / fraction)} s left`);
  }
  return parts.join(' · ');
}

function stageText(
  stage: Progress['stage'],
  leftRowCount: number,
  rightRowCount: number,
  resultRowCount: number,
): string {
  const [left, right, result] = [leftRowCount, rightRowCount, resultRowCount].map((count) => formatCount(count));
  if (stage === 'index') return `indexing: ${right} right rows`;
  if (stage === 'partition') return `sorting into buckets: ${right} right rows, ${left} left rows`;
  if (stage === 'merge') return `putting in order: ${result} result rows`;
  return `matching: ${left} left rows, ${result} result rows`;
}

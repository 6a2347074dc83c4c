import { formatBytes, formatCount } from '@armilla/base';
import { matchTables, type Progress, tablesProvenance } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import type { RowPixels, TableReader } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { type DescribedInput, describeInputs } from '../../provenance/inputs.js';
import { provenanceOptions } from '../../provenance/result.js';
import { documentPixels } from '../../table/document-pixels.js';
import { checkTypes, openInput } from '../../table/open-input.js';
import { writeResult } from '../../table/write-result.js';
import type { TablesTask } from './flags.js';
import { tablesTaskProvenance } from './provenance.js';
import type { TablesWritten } from './run.js';

/** Matches several tables in this process. */
export async function matchTablesHere(task: TablesTask, { signal, terminal }: CommandContext): Promise<TablesWritten> {
  const { output, options, types } = task;
  await using runtime = await Runtime.create({ workerCount: task.workerCount, memoryLimitBytes: task.memoryBytes });
  const started = performance.now();
  const readers: TableReader[] = [];
  const described: DescribedInput[] = [];
  try {
    for (const name of task.inputs) {
      const reader = await openInput(name, { types, signal });
      readers.push(reader);
      described.push(...(await describeInputs([name], reader, signal)));
    }
    checkTypes(types, readers);
  } catch (error) {
    for (const reader of readers) await reader.close();
    throw error;
  }
  await using stream = await matchTables(readers, options, {
    runtime,
    execution: { workerCount: task.workerCount },
    signal,
    onProgress: task.showProgress
      ? (progress) => terminal.progress(() => progressText(progress, performance.now() - started))
      : undefined,
  });
  const known = tablesProvenance(stream);
  const provenance = tablesTaskProvenance(task, known, described, () => stream.summary());
  const { metadata, sidecar } = provenanceOptions(output, stream.schema, provenance);
  const pixels = (): RowPixels => documentPixels(stream.schema, known);
  const rows = { schema: stream.schema, batches: stream, metadata, sidecar, pixels };
  const catalog = await writeResult(output, task.partitioning, rows, signal);
  return { summary: stream.summary(), catalog };
}

function progressText({ stage, leftRowCount, rightRowCount, resultRowCount }: Progress, elapsedMs: number): string {
  const rowCount = leftRowCount + rightRowCount;
  return [
    stage === 'index'
      ? `indexing: ${formatCount(rowCount, 'row')}`
      : `matching: ${formatCount(resultRowCount, 'result row')}`,
    `${(elapsedMs / 1000).toFixed(1)} s`,
    formatBytes(process.memoryUsage.rss()),
  ].join(' · ');
}

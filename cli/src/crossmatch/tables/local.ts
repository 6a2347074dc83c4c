import { formatBytes, formatCount } from '@armilla/base';
import { matchTables, type Progress, tablesProvenance, type TablesSummary } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { type TableReader, writeTable } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { type DescribedInput, describeInputs } from '../../provenance/inputs.js';
import { provenanceOptions } from '../../provenance/result.js';
import { STANDARD } from '../../table/flags.js';
import { checkTypes, openInput } from '../../table/open-input.js';
import { standardOutput } from '../../terminal/standard-output.js';
import type { TablesTask } from './flags.js';
import { tablesTaskProvenance } from './provenance.js';

/** Matches several tables in this process. */
export async function matchTablesHere(task: TablesTask, { signal, terminal }: CommandContext): Promise<TablesSummary> {
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
  const provenance = tablesTaskProvenance(task, tablesProvenance(stream), described, () => stream.summary());
  const { metadata, sidecar } = provenanceOptions(output, stream.schema, provenance);
  const { format, overwrite } = output;
  const target = output.path === STANDARD ? standardOutput() : output.path;
  await writeTable(target, stream.schema, stream, { format, overwrite, signal, metadata, sidecar });
  return stream.summary();
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

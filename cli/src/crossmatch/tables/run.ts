import { formatCount } from '@armilla/base';
import {
  matchTables,
  tablesCountsJson,
  tablesProvenance,
  type TablesStream,
  type TablesSummary,
} from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { checkOutput, type TableReader, writeTable } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { type DescribedInput, describeInputs } from '../../provenance/inputs.js';
import { besidePath, modifiedJson, provenanceOptions, type ResultProvenance } from '../../provenance/result.js';
import { STANDARD } from '../../table/flags.js';
import { checkTypes, openInput } from '../../table/open-input.js';
import { printLine, standardOutput } from '../../terminal/standard-output.js';
import { snakeCaseKeys } from '../json-names.js';
import { progressText } from '../local.js';
import { readHistograms } from '../probability-flags.js';
import { sideText } from '../summary-text.js';
import type { TablesTask } from './flags.js';

/** Matches several tables in this process, and tells what it did. */
export async function runTables(task: TablesTask, { signal, terminal }: CommandContext): Promise<void> {
  const { output, options, types } = task;
  if (output.path !== STANDARD)
    await checkOutput(output.path, { overwrite: output.overwrite, besidePath: besidePath(output) });
  const tables = [];
  for (const table of options.tables ?? [])
    tables.push({ ...table, magnitudePriors: await readHistograms(table.magnitudePriors) });
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
  await using stream = await matchTables(
    readers,
    { ...options, tables },
    {
      runtime,
      execution: { workerCount: task.workerCount },
      signal,
      onProgress: task.showProgress
        ? (progress) => terminal.progress(() => progressText(progress, performance.now() - started))
        : undefined,
    },
  );
  const { metadata, sidecar } = provenanceOptions(output, stream.schema, provenanceOf(task, stream, described));
  const { format, overwrite } = output;
  const target = output.path === STANDARD ? standardOutput() : output.path;
  await writeTable(target, stream.schema, stream, { format, overwrite, signal, metadata, sidecar });
  terminal.clear();
  const summary = stream.summary();
  if (task.json) {
    const text = JSON.stringify(snakeCaseKeys(summary));
    if (output.path === STANDARD) terminal.line(text);
    else await printLine(text);
  } else if (!task.quiet) terminal.line(tablesText(task, summary));
}

function provenanceOf(task: TablesTask, stream: TablesStream, described: readonly DescribedInput[]): ResultProvenance {
  const known = tablesProvenance(stream);
  const document = {
    ...known,
    ...(task.types && { types: task.types }),
    inputs: (known.inputs as readonly object[]).map((table, k) => ({
      ...table,
      name: task.inputs[k],
      ...described[k].json,
    })),
  };
  return {
    document: (rows) => (rows === 'ahead' ? document : { ...document, counts: tablesCountsJson(stream.summary()) }),
    run: () => {
      const { totalSeconds, workerCount } = stream.summary();
      return {
        ended: new Date().toISOString(),
        total_seconds: totalSeconds,
        worker_count: workerCount,
        inputs_modified: modifiedJson(described),
      };
    },
  };
}

function tablesText({ inputs, output }: TablesTask, { tables, rowCount, totalSeconds }: TablesSummary): string {
  const where = output.path === STANDARD ? '' : ` to ${output.path}`;
  return [
    ...tables.map((table, k) => sideText(`${k + 1}`, inputs[k], table)),
    `${formatCount(rowCount)} rows${where} in ${totalSeconds.toFixed(2)} s`,
  ].join('\n');
}

import { formatCount } from '@armilla/base';
import { coneCountsJson, coneProvenance, coneSearch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import type { RowPixels } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { describeInputs } from '../../provenance/inputs.js';
import { modifiedJson, provenanceOptions } from '../../provenance/result.js';
import { documentPixels } from '../../table/document-pixels.js';
import { checkTypes, openInput } from '../../table/open-input.js';
import { writeResult } from '../../table/write-result.js';
import type { ConeTask } from './flags.js';
import type { ConeFound } from './run.js';

/** Searches a file in this process. */
export async function searchHere(task: ConeTask, { signal, terminal }: CommandContext): Promise<ConeFound> {
  const startedMs = performance.now();
  const reader = await openInput(task.table, { types: task.types, signal });
  const inputs = await (async () => {
    try {
      checkTypes(task.types, [reader]);
      return await describeInputs([task.table], reader, signal);
    } catch (error) {
      await reader.close();
      throw error;
    }
  })();
  await using runtime = await Runtime.create({});
  using result = await coneSearch(reader, task.options, {
    runtime,
    signal,
    onRows: task.showProgress
      ? (rowCount) => terminal.progress(() => `searching: ${formatCount(rowCount)} rows read`)
      : undefined,
  });
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const known = coneProvenance(result, { name: task.table });
  const document = {
    ...known,
    ...(task.types && { types: task.types }),
    inputs: known.inputs.map((table) => ({ ...table, ...inputs[0].json })),
  };
  const provenance = provenanceOptions(task.output, result.schema, {
    document: () => document,
    run: () => ({ ended: new Date().toISOString(), total_seconds: seconds(), inputs_modified: modifiedJson(inputs) }),
  });
  const pixels = (): RowPixels => documentPixels(result.schema, document);
  const rows = { schema: result.schema, batches: result, pixels, ...provenance };
  const catalog = await writeResult(task.output, task.partitioning, rows, signal);
  return { counts: coneCountsJson(result.summary), seconds: seconds(), catalog };
}

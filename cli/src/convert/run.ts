import { createRequire } from 'node:module';
import { fail, formatBytes, formatCount } from '@armilla/base';
import { type TableReader, writeTable } from '@armilla/tables';
import { type RecordBatch, Schema } from 'apache-arrow';
import type { CommandContext } from '../command-context.js';
import { type DescribedInput, describeInputs } from '../provenance/inputs.js';
import { modifiedJson, provenanceOptions, type ResultProvenance } from '../provenance/result.js';
import { checkTableOutput } from '../table/check-output.js';
import { isFileOutput, STANDARD } from '../table/flags.js';
import { checkTypes, openInput } from '../table/open-input.js';
import { refuseOwnOutput } from '../table/own-output.js';
import { standardOutput } from '../terminal/standard-output.js';
import type { ConvertTask } from './flags.js';

/** Writes the inputs as one table, as they are read, and tells what it did. */
export async function runConvert(task: ConvertTask, { signal, terminal }: CommandContext): Promise<void> {
  const { inputs, output, types, columns } = task;
  const startedMs = performance.now();
  const { path } = output;
  await checkTableOutput(output);
  await refuseOwnOutput(inputs, output, signal);
  const reader = await openInput(inputs.length === 1 ? inputs[0] : inputs, {
    types,
    mixed: task.operation === 'merge',
    signal,
  });
  try {
    checkTypes(types, [reader]);
    const schema = columns ? chosen(reader, columns) : reader.schema;
    const described = await describeInputs(inputs, reader, signal);
    const count = { rowCount: 0, unplacedRowCount: 0 };
    const rows = counted(reader.batches({ columns, signal }), count, () => {
      if (!task.showProgress) return;
      terminal.progress(() => progressText(count.rowCount, reader.rowCount, performance.now() - startedMs));
    });
    const provenance = convertProvenance(task, described, count, startedMs);
    const { rowCount, text } = await writeRows(task, reader, schema, rows, count, provenance, signal);
    terminal.clear();
    if (task.quiet) return;
    const misfits = [...reader.misfits].map(([column, n]) => `${formatCount(n)} of column '${column}'`);
    if (misfits.length > 0) terminal.line(`values that did not fit and are null: ${misfits.join(', ')}`);
    for (const warning of reader.warnings ?? []) terminal.line(`warning: ${warning}`);
    const seconds = (performance.now() - startedMs) / 1000;
    const where = path === STANDARD ? '' : ` to ${path}`;
    terminal.line(
      `${formatCount(rowCount, 'row')}${where} (${text}) in ${seconds.toFixed(2)} s; ` +
        `${formatCount(Math.round(rowCount / Math.max(seconds, 1e-3)))} rows/s`,
    );
  } finally {
    await reader.close();
  }
}

async function writeRows(
  { output, position, partitioning }: ConvertTask,
  reader: TableReader,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  count: { unplacedRowCount: number },
  provenance: ResultProvenance,
  signal: AbortSignal,
): Promise<{ readonly rowCount: number; readonly text: string }> {
  const { metadata, sidecar } = provenanceOptions(output, schema, provenance);
  if (isFileOutput(output)) {
    const { path, format, overwrite } = output;
    const target = path === STANDARD ? standardOutput() : path;
    const options = { format, overwrite, signal, metadata, sidecar };
    const { rowCount, byteCount } = await writeTable(target, schema, batches, options);
    return { rowCount, text: formatBytes(byteCount) };
  }
  // Other outputs have no need of what knows positions.
  const { tablePixels } = await import('@armilla/crossmatch');
  const { catalogText, countingPixels, writeCatalog } = await import('../table/write-catalog.js');
  const { where, rowCount, position: described } = reader;
  const pixels = countingPixels(tablePixels({ where, rowCount, position: described, schema }, position), count);
  const epoch = pixels.ra === reader.position?.ra ? reader.position.epoch : undefined;
  const written = await writeCatalog(output, { schema, batches, pixels, metadata, epoch }, partitioning, signal);
  return { rowCount: written.rowCount, text: catalogText(written) };
}

function chosen(reader: TableReader, columns: readonly string[]): Schema {
  const { schema, where } = reader;
  const fields = columns.map((column) => {
    const field = schema.fields.find(({ name }) => name === column);
    if (field) return field;
    throw fail('COLUMN_NOT_FOUND', { where, column, available: schema.fields.map(({ name }) => name).join(', ') });
  });
  return new Schema(fields, schema.metadata);
}

async function* counted(
  batches: AsyncIterable<RecordBatch>,
  count: { rowCount: number },
  onRows: () => void,
): AsyncGenerator<RecordBatch, void, undefined> {
  for await (const batch of batches) {
    count.rowCount += batch.numRows;
    onRows();
    yield batch;
  }
}

function convertProvenance(
  { operation, columns, types }: ConvertTask,
  inputs: readonly DescribedInput[],
  count: { readonly rowCount: number; readonly unplacedRowCount: number },
  startedMs: number,
): ResultProvenance {
  const { version } = createRequire(import.meta.url)('@armilla/cli/package.json') as { version: string };
  const document = {
    program: 'armilla',
    version,
    operation,
    options: { columns, types },
    inputs: inputs.map(({ json }) => json),
  };
  return {
    document: (rows) => (rows === 'ahead' ? document : { ...document, counts: countsOf(count) }),
    run: () => ({
      ended: new Date().toISOString(),
      total_seconds: (performance.now() - startedMs) / 1000,
      inputs_modified: modifiedJson(inputs),
    }),
  };
}

/** Rows without a position are not in a catalog. */
function countsOf({ rowCount, unplacedRowCount }: { readonly rowCount: number; readonly unplacedRowCount: number }) {
  return {
    row_count: rowCount - unplacedRowCount,
    ...(unplacedRowCount > 0 && { unplaced_row_count: unplacedRowCount }),
  };
}

function progressText(rowCount: number, expected: number | undefined, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const parts = [
    `${formatCount(rowCount)} rows`,
    `${seconds.toFixed(1)} s`,
    `${formatCount(Math.round(rowCount / Math.max(seconds, 1e-3)))} rows/s`,
    formatBytes(process.memoryUsage.rss()),
  ];
  if (expected !== undefined && rowCount > 0) parts.push(`${Math.floor((100 * rowCount) / expected)} %`);
  return parts.join(' · ');
}

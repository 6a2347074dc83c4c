import { type HatsWritten, type RowPixels, type WriteOptions, writeTable } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { standardOutput } from '../terminal/standard-output.js';
import { isFileOutput, STANDARD, type TableOutput } from './flags.js';
import type { Partitioning } from './hats-flags.js';
import { writeCatalog } from './write-catalog.js';

export interface ResultRows extends Pick<WriteOptions, 'metadata' | 'sidecar'> {
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
  /** Asked for where the output is a catalog. */
  pixels(): RowPixels;
}

/** Writes a result where it is wanted: a file, standard output or a HATS catalog. Gives what there is to say of a catalog. */
export async function writeResult(
  output: TableOutput,
  partitioning: Partitioning,
  { schema, batches, metadata, sidecar, pixels }: ResultRows,
  signal: AbortSignal,
): Promise<HatsWritten | undefined> {
  if (!isFileOutput(output)) {
    const rows = { schema, batches, pixels: pixels(), metadata, epoch: undefined };
    return writeCatalog(output, rows, partitioning, signal);
  }
  const { path, format, overwrite } = output;
  const target = path === STANDARD ? standardOutput() : path;
  await writeTable(target, schema, batches, { format, overwrite, signal, metadata, sidecar });
  return undefined;
}

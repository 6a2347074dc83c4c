import { performance } from 'node:perf_hooks';
import type { Runtime } from '@armilla/gpu-core';
import { workerModule } from '../ops/module.js';
import { type Partitioning, runSchema, type RunSetup, runTask, storedRuns } from './partition.js';
import { partitionedSchema } from './partition-run.js';
import type { Scratch } from './scratch.js';

/** Row groups that are measured, from all over the table: parts of a file may be in the system's cache. */
const SAMPLE_GROUPS = 16;
/** A table has so many times more, or measuring costs more than its plan is worth. */
const LEAST_SHARE = 4;
/** Of all rounds the slower half is left out: the system may have had other work. */
const KEPT_ROUNDS = 0.5;

export interface RateSample extends Omit<RunSetup, 'file'>, Pick<Partitioning, 'groupRowCount'> {
  readonly runtime: Runtime;
  readonly scratch: Scratch;
  readonly signal: AbortSignal | undefined;
}

/**
 * Seconds that a row of the table takes to be read, sorted into its bucket and written to the scratch folder, all threads
 * at work: some row groups are, for the measurement alone. Undefined of tables that threads do not read themselves, and of
 * small ones.
 */
export async function sampledSeconds(sample: RateSample): Promise<number | undefined> {
  const { runtime, reader, shape, scratch, signal } = sample;
  const runs = storedRuns(reader, runSchema(sample), sample);
  if (!runs || runs.length < LEAST_SHARE * SAMPLE_GROUPS) return undefined;
  const { workerCount } = runtime;
  const file = await scratch.file('sample', partitionedSchema(reader.schema, shape), workerCount);
  try {
    const roundCount = Math.max(2, Math.ceil(SAMPLE_GROUPS / workerCount));
    const secondsPerRow: number[] = [];
    for (let round = 0; round < roundCount; round++) {
      signal?.throwIfAborted();
      const chosen = Array.from(
        { length: workerCount },
        (_, i) => runs[Math.floor(((round * workerCount + i) * runs.length) / (roundCount * workerCount))],
      );
      const begun = performance.now();
      const tasks = chosen.map(({ rows }) => runTask({ ...sample, file }, rows, 0));
      await Promise.all(tasks.map((task) => runtime.call(workerModule(), 'partitionRun', [task])));
      const rowCount = chosen.reduce((sum, run) => sum + run.rowCount, 0);
      secondsPerRow.push((performance.now() - begun) / 1000 / rowCount);
    }
    // Code is compiled while it runs for the first time.
    const kept = secondsPerRow.slice(1).sort((a, b) => a - b);
    kept.length = Math.ceil(KEPT_ROUNDS * kept.length);
    return kept.reduce((sum, one) => sum + one, 0) / kept.length;
  } finally {
    await scratch.drop(file);
  }
}

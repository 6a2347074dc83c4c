import { performance } from 'node:perf_hooks';
import type { Runtime } from '@armilla/gpu-core';
import { workerModule } from '../ops/module.js';
import { type Partitioning, runSchema, type RunSetup, runTask, storedRuns } from './partition.js';
import { type PartitionedRun, partitionedSchema } from './partition-run.js';
import type { Scratch } from './scratch.js';
import type { SpillRates } from './spill-time.js';

/** Row groups that are measured, from all over the table: parts of a file may be in the system's cache. */
const SAMPLE_GROUPS = 16;
/** A table has so many times more, or measuring costs more than its plan is worth. */
const LEAST_SHARE = 4;
/** Of all rounds only the fastest count: the system may have had other work, and code becomes faster for a while. */
const KEPT_ROUNDS = 0.3;

export interface RateSample extends Omit<RunSetup, 'file'>, Pick<Partitioning, 'groupRowCount'> {
  readonly runtime: Runtime;
  readonly scratch: Scratch;
  readonly signal: AbortSignal | undefined;
}

/**
 * What a row of the table takes to be read, sorted into its bucket and written to the scratch folder, all threads
 * at work: some row groups are, for the measurement alone. Undefined of tables that threads do not read themselves, and of
 * small ones.
 */
export async function sampledRates(sample: RateSample): Promise<SpillRates | undefined> {
  const { runtime, reader, shape, scratch, signal } = sample;
  const runs = storedRuns(reader, runSchema(sample), sample);
  if (!runs || runs.length < LEAST_SHARE * SAMPLE_GROUPS) return undefined;
  const { workerCount } = runtime;
  const file = await scratch.file('sample', partitionedSchema(reader.schema, shape), workerCount);
  try {
    const roundCount = Math.max(2, Math.ceil(SAMPLE_GROUPS / workerCount));
    const rounds: SpillRates[] = [];
    for (let round = 0; round < roundCount; round++) {
      signal?.throwIfAborted();
      const chosen = Array.from(
        { length: workerCount },
        (_, i) => runs[Math.floor(((round * workerCount + i) * runs.length) / (roundCount * workerCount))],
      );
      const begun = performance.now();
      const tasks = chosen.map(({ rows }) => runTask({ ...sample, file }, rows, 0));
      const done = await Promise.all(
        tasks.map((task) => runtime.call<PartitionedRun>(workerModule(), 'partitionRun', [task])),
      );
      const seconds = (performance.now() - begun) / 1000;
      const writeShare = sumOf(done, (run) => run.writeSeconds) / sumOf(done, (run) => run.seconds);
      const byteLength = sumOf(done, (run) => sumOf(run.blocks, (block) => block.headerLength + block.bodyLength));
      rounds.push({
        secondsPerRow: ((1 - writeShare) * seconds) / sumOf(chosen, (run) => run.rowCount),
        secondsPerByte: (writeShare * seconds) / Math.max(1, byteLength),
      });
    }
    // Code is compiled while it runs for the first time.
    const kept = rounds.slice(1);
    return {
      secondsPerRow: meanOfFaster(kept.map(({ secondsPerRow }) => secondsPerRow)),
      secondsPerByte: meanOfFaster(kept.map(({ secondsPerByte }) => secondsPerByte)),
    };
  } finally {
    await scratch.drop(file);
  }
}

function meanOfFaster(values: readonly number[]): number {
  const kept = values.toSorted((a, b) => a - b).slice(0, Math.ceil(KEPT_ROUNDS * values.length));
  return sumOf(kept, (one) => one) / kept.length;
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}

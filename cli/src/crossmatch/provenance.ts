import { countsJson, type MatchSummary } from '@armilla/crossmatch';
import type { RowsMoment } from '@armilla/tables';
import type { DescribedInput } from '../provenance/inputs.js';
import { modifiedJson, type ResultProvenance } from '../provenance/result.js';
import type { MatchTask } from './flags.js';

/** Left and, unless the table is matched with itself, right; undefined for a table that only the server has. */
export type MatchInputs = readonly (DescribedInput | undefined)[];

/**
 * The provenance of a match: what the match says of itself (`known`, as `matchProvenance` of the library gives it), and
 * what only the command line knows, which opened the tables.
 */
export function taskProvenance(
  task: MatchTask,
  known: Readonly<Record<string, unknown>>,
  inputs: MatchInputs,
  summary: () => MatchSummary | Promise<MatchSummary>,
): ResultProvenance {
  const tables = Array.isArray(known.inputs) ? (known.inputs as readonly object[]) : [];
  const names = [task.left, task.right];
  const document = {
    ...known,
    ...(task.types && { types: task.types }),
    inputs: tables.map((table, i) => ({ ...table, name: names[i], ...inputs[i]?.json })),
  };
  return {
    document: async (rows: RowsMoment) =>
      rows === 'ahead'
        ? document
        : { ...document, counts: countsJson(await summary(), task.options.selfMatch !== undefined) },
    run: async () => {
      const { totalSeconds, indexSeconds, matchSeconds, peakMemoryBytes, workerCount } = await summary();
      return {
        ended: new Date().toISOString(),
        total_seconds: totalSeconds,
        index_seconds: indexSeconds,
        match_seconds: matchSeconds,
        peak_memory_bytes: peakMemoryBytes,
        worker_count: workerCount,
        inputs_modified: modifiedJson(inputs.map((input) => input ?? { json: {}, modified: undefined })),
      };
    },
  };
}

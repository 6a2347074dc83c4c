import { tablesCountsJson, type TablesSummary } from '@armilla/crossmatch';
import type { DescribedInput } from '../../provenance/inputs.js';
import { modifiedJson, type ResultProvenance } from '../../provenance/result.js';
import type { TablesTask } from './flags.js';

/**
 * The provenance of a match of several tables: what the match says of itself (`known`), and what only the command line knows,
 * which opened the tables (`described`; undefined for one that only the server has).
 */
export function tablesTaskProvenance(
  task: TablesTask,
  known: Readonly<Record<string, unknown>>,
  described: readonly (DescribedInput | undefined)[],
  summary: () => TablesSummary | Promise<TablesSummary>,
): ResultProvenance {
  const tables = Array.isArray(known.inputs) ? (known.inputs as readonly object[]) : [];
  const document = {
    ...known,
    ...(task.types && { types: task.types }),
    inputs: tables.map((table, k) => ({ ...table, name: task.inputs[k], ...described[k]?.json })),
  };
  return {
    document: async (rows) =>
      rows === 'ahead' ? document : { ...document, counts: tablesCountsJson(await summary()) },
    run: async () => {
      const { totalSeconds, workerCount } = await summary();
      return {
        ended: new Date().toISOString(),
        total_seconds: totalSeconds,
        worker_count: workerCount,
        inputs_modified: modifiedJson(described.map((input) => input ?? { json: {}, modified: undefined })),
      };
    },
  };
}

import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import { openTable, parseProvenance, PROVENANCE_KEY, type RowPixels } from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { provenanceOptions } from '../../provenance/result.js';
import { ServerClient } from '../../server/server-client.js';
import { documentPixels } from '../../table/document-pixels.js';
import { writeResult } from '../../table/write-result.js';
import type { ConeTask } from './flags.js';
import type { ConeFound } from './run.js';

/** Searches a table that a server keeps; its rows come as an Arrow stream, whatever the format of the output. */
export async function searchThere(task: ConeTask, server: URL, { signal }: CommandContext): Promise<ConeFound> {
  const startedMs = performance.now();
  const client = new ServerClient(server, process.env.ARMILLA_TOKEN);
  const body = await client.rows(`v1/crossmatch/cone?${new URLSearchParams(coneQuery(task))}`, signal);
  const result = await openTable({ name: 'the answer of the server', stream: body }, { signal });
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  const document = parseProvenance(result.schema.metadata.get(PROVENANCE_KEY) ?? '') ?? {};
  const provenance = provenanceOptions(task.output, result.schema, {
    document: () => document,
    run: () => ({ ended: new Date().toISOString(), total_seconds: seconds() }),
  });
  const pixels = (): RowPixels => documentPixels(result.schema, document);
  const rows = { schema: result.schema, batches: result.batches({ signal }), pixels, ...provenance };
  const catalog = await writeResult(task.output, task.partitioning, rows, signal);
  return { counts: document.counts as ConeFound['counts'], seconds: seconds(), catalog };
}

function coneQuery({ table, options }: ConeTask): Record<string, string> {
  const { raDeg, decDeg, radiusArcsec, columns, limit, atEpoch } = options;
  const given: Record<string, string | number | undefined> = {
    table,
    ra: raDeg,
    dec: decDeg,
    radius: radiusArcsec,
    columns: columns?.join(','),
    limit,
    at_epoch: atEpoch,
    ...Object.fromEntries(
      SIDE_OPTIONS.flatMap(({ name, key, inCone }) =>
        inCone === 'any' ? [[name, options.table?.[key as keyof typeof options.table]]] : [],
      ),
    ),
    format: 'arrow-stream',
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

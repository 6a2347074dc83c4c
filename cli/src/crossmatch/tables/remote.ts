import { fail, formatBytes } from '@armilla/base';
import type { TablesOptions, TablesSummary } from '@armilla/crossmatch';
import { TABLE_OPTIONS } from '@armilla/gateway/side-options';
import {
  encodeTable,
  openTable,
  parseProvenance,
  PROVENANCE_KEY,
  type RowPixels,
  type TableReader,
} from '@armilla/tables';
import type { CommandContext } from '../../command-context.js';
import { type DescribedInput, describeInputs } from '../../provenance/inputs.js';
import { provenanceOptions } from '../../provenance/result.js';
import { ServerClient, type TablePart } from '../../server/server-client.js';
import { documentPixels } from '../../table/document-pixels.js';
import { checkTypes, openInput } from '../../table/open-input.js';
import { writeResult } from '../../table/write-result.js';
import { STORED } from '../flags.js';
import { camelCaseKeys } from '../json-names.js';
import { describePosition, warningsOf, sideHere } from '../remote.js';
import type { TablesTask } from './flags.js';
import { tablesTaskProvenance } from './provenance.js';
import type { TablesWritten } from './run.js';

/** Lets a server match several tables: they go up in their order, unless it has them, and rows come down. */
export async function matchTablesThere(
  task: TablesTask,
  server: URL,
  { signal, terminal }: CommandContext,
): Promise<TablesWritten> {
  const client = new ServerClient(server, process.env.ARMILLA_TOKEN);
  const query = tablesQuery(task);
  const readers: (TableReader | undefined)[] = [];
  const described: (DescribedInput | undefined)[] = [];
  try {
    const parts: TablePart[] = [];
    for (const [k, name] of task.inputs.entries()) {
      const isStored = name.startsWith(STORED);
      if (isStored) query[`table${k + 1}`] = name.slice(STORED.length);
      const reader = isStored ? undefined : await openInput(name, { types: task.types, signal });
      readers.push(reader);
      described.push(reader && (await describeInputs([name], reader, signal))[0]);
      if (!reader) continue;
      if (reader.rowCount !== undefined) query[`${k + 1}.row_count`] = String(reader.rowCount);
      describePosition(query, `${k + 1}.`, reader);
      const bytes = encodeTable('arrow-stream', reader.schema, reader.batches({ signal }));
      parts.push({ name: `table${k + 1}`, fileName: reader.where, bytes });
    }
    checkTypes(
      task.types,
      readers.flatMap((reader) => reader ?? []),
    );
    const answer = await client.match(query, parts, signal, 'v1/crossmatch/multi');
    let byteCount = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of answer.body) {
        byteCount += chunk.length;
        if (task.showProgress) terminal.progress(() => `receiving: ${formatBytes(byteCount)}`);
        yield chunk;
      }
    };
    const result = await openTable({ name: 'the answer of the server', stream: counted() }, { signal });
    let fetched: Promise<TablesSummary> | undefined;
    const summarise = async (): Promise<TablesSummary> => {
      const summary = await (fetched ??= fetchSummary(client, answer.requestId, signal));
      return {
        ...summary,
        tables: summary.tables.map((table, k) => sideHere(table, readers[k])),
        warnings: [...summary.warnings, ...warningsOf(readers)],
      };
    };
    const known = parseProvenance(result.schema.metadata.get(PROVENANCE_KEY) ?? '') ?? {};
    const { metadata, sidecar } = provenanceOptions(
      task.output,
      result.schema,
      tablesTaskProvenance(task, known, described, summarise),
    );
    const pixels = (): RowPixels => documentPixels(result.schema, known);
    const rows = { schema: result.schema, batches: result.batches({ signal }), metadata, sidecar, pixels };
    const catalog = await writeResult(task.output, task.partitioning, rows, signal);
    return { summary: await summarise(), catalog };
  } finally {
    for (const reader of readers) await reader?.close();
  }
}

async function fetchSummary(client: ServerClient, requestId: string, signal: AbortSignal): Promise<TablesSummary> {
  const path = `v1/crossmatch/results/${encodeURIComponent(requestId)}`;
  const { state, summary } = camelCaseKeys(await client.get(path, signal)) as {
    readonly state: string;
    readonly summary?: TablesSummary & { readonly requestId?: string };
  };
  if (!summary)
    throw fail('STREAM_INCOMPLETE', {
      where: 'the answer of the server',
      detail: `the match is ${state}, without a summary`,
    });
  const { requestId: _, ...rest } = summary;
  return rest;
}

function tablesQuery({ inputs, options, workerCount }: TablesTask): Record<string, string> {
  const { radiusArcsec, multi, join, columns, strict, maxRows, probabilities }: TablesOptions = options;
  const given: Record<string, string | number | boolean | undefined> = {
    radius_arcsec: radiusArcsec,
    table_count: inputs.length,
    multi,
    join,
    columns: columns?.join(','),
    strict,
    max_pairs: maxRows,
    workers: workerCount,
    ...(probabilities && {
      probabilities: true,
      completeness: probabilities.completeness,
      acceptable_ratio: probabilities.acceptableRatio,
    }),
    ...Object.fromEntries(
      (options.tables ?? []).flatMap((table, k) => [
        ...TABLE_OPTIONS.map(({ name, key }) => [`${k + 1}.${name}`, table[key as keyof typeof table]]),
        [`${k + 1}.sky_area`, table.skyAreaSquareDegrees],
        [`${k + 1}.completeness`, table.completeness],
        [`${k + 1}.magnitude_prior`, table.magnitudePriors?.length ? JSON.stringify(table.magnitudePriors) : undefined],
      ]),
    ),
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

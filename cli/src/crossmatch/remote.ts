import { fail, formatBytes, formatCount } from '@armilla/base';
import {
  type Evidence,
  evidenceOf,
  type MatchSummary,
  type ProbabilityOptions,
  type RejectedRow,
} from '@armilla/crossmatch';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import {
  encodeTable,
  type MetadataSource,
  openTable,
  parseProvenance,
  PROVENANCE_KEY,
  type RowPixels,
  type TableReader,
  writeTable,
} from '@armilla/tables';
import { type RecordBatch, Table } from 'apache-arrow';
import type { CommandContext } from '../command-context.js';
import { type DescribedInput, describeInputs } from '../provenance/inputs.js';
import { provenanceOptions } from '../provenance/result.js';
import { ServerClient } from '../server/server-client.js';
import { standardOutput } from '../terminal/standard-output.js';
import { documentPixels } from '../table/document-pixels.js';
import { STANDARD } from '../table/flags.js';
import { writeResult } from '../table/write-result.js';
import { type MatchTask, STORED } from './flags.js';
import { checkTypes, openInput } from '../table/open-input.js';
import { camelCaseKeys } from './json-names.js';
import { taskProvenance } from './provenance.js';
import { RejectedRows } from './rejected-rows.js';
import type { MatchWritten } from './run.js';

/** What a server lists at most. */
const REJECTED_LIMIT = 100_000;

/** Lets a server match: tables go up and rows come down as Arrow streams, whatever the formats of the files. */
export async function matchThere(
  task: MatchTask,
  server: URL,
  { signal, terminal }: CommandContext,
): Promise<MatchWritten> {
  const client = new ServerClient(server, process.env.ARMILLA_TOKEN);
  const stored = task.right?.startsWith(STORED) ? task.right.slice(STORED.length) : undefined;
  const isLeftStored = stored !== undefined && task.left.startsWith(STORED);
  const query = matchQuery(task);
  if (stored !== undefined) query.right = stored;
  if (isLeftStored) query.left = task.left.slice(STORED.length);
  const readers: { left?: TableReader; right?: TableReader } = {};
  const described: { left?: DescribedInput; right?: DescribedInput } = {};
  try {
    const part = async (name: 'left' | 'right', path: string) => {
      const reader = await openInput(path, { types: task.types, signal });
      readers[name] = reader;
      [described[name]] = await describeInputs([path], reader, signal);
      if (reader.rowCount !== undefined) query[`${name}_row_count`] = String(reader.rowCount);
      describePosition(query, `${name}_`, reader);
      return {
        name,
        fileName: reader.where,
        bytes: encodeTable('arrow-stream', reader.schema, reader.batches({ signal })),
      };
    };
    // The right table goes first: the server needs it before it can match a single left row.
    const right = task.right === undefined || stored !== undefined ? [] : [await part('right', task.right)];
    const parts = isLeftStored ? [] : [...right, await part('left', task.left)];
    checkTypes(task.types, Object.values(readers));
    const answer = await client.match(query, parts, signal);
    let byteCount = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of answer.body) {
        byteCount += chunk.length;
        if (task.showProgress) terminal.progress(() => `receiving: ${formatBytes(byteCount)}`);
        yield chunk;
      }
    };
    const result = await openTable({ name: 'the answer of the server', stream: counted() }, { signal });
    let fetched: Promise<CompleteResult> | undefined;
    const fetchOnce = (): Promise<CompleteResult> => (fetched ??= fetchResult(client, answer.requestId, task, signal));
    const summarise = async (): Promise<MatchSummary> => {
      const { summary } = await fetchOnce();
      return {
        ...summary,
        left: sideHere(summary.left, readers.left),
        right: sideHere(summary.right, task.right === undefined ? readers.left : readers.right),
        warnings: [...summary.warnings, ...warningsOf([readers.left, readers.right])],
      };
    };
    const known = parseProvenance(result.schema.metadata.get(PROVENANCE_KEY) ?? '') ?? {};
    const provenance = taskProvenance(task, known, [described.left, described.right], summarise);
    const { metadata, sidecar } = provenanceOptions(task.output, result.schema, provenance);
    const pixels = (): RowPixels => documentPixels(result.schema, known);
    const rows = { schema: result.schema, batches: result.batches({ signal }), metadata, sidecar, pixels };
    const catalog = await writeResult(task.output, task.partitioning, rows, signal);
    const { rejected = [] } = await fetchOnce();
    const summary = await summarise();
    await writeRejected(task, summary, rejected, metadata, { signal, terminal });
    if (task.report && summary.trust) {
      const evidence = await fetchEvidence(client, answer.requestId, signal);
      // Drawing takes a library that no other command needs.
      const { writeReport } = await import('./report/report.js');
      await writeReport(task.report, { task, summary, trust: summary.trust, evidence }, signal);
    }
    return { summary, catalog };
  } finally {
    for (const reader of Object.values(readers)) await reader.close();
  }
}

/** The server sees rows only, not what a catalog says of them; `prefix` of the options of the table: `left_`, or `3.`. */
export function describePosition(query: Record<string, string>, prefix: string, { position }: TableReader): void {
  if (!position || query[`${prefix}ra`] !== undefined || query[`${prefix}dec`] !== undefined) return;
  query[`${prefix}ra`] = position.ra;
  query[`${prefix}dec`] = position.dec;
  if (position.frame !== undefined) query[`${prefix}frame`] ??= position.frame;
}

/** What tables that were read here said of themselves. */
export const warningsOf = (readers: readonly (TableReader | undefined)[]): string[] =>
  readers.flatMap((reader) => [...(reader?.warnings ?? [])]);

/** What the server measured the trust on, for pictures. */
async function fetchEvidence(client: ServerClient, requestId: string, signal: AbortSignal): Promise<Evidence> {
  const body = await client.rows(`v1/crossmatch/results/${encodeURIComponent(requestId)}/evidence`, signal);
  const reader = await openTable({ name: 'the evidence of the server', stream: body }, { signal });
  const batches: RecordBatch[] = [];
  for await (const batch of reader.batches({ signal })) batches.push(batch);
  return evidenceOf(new Table(reader.schema, batches));
}

/** A side as this process tells of it: the table was read here, so that the server saw nulls only, and names that were not given. */
export function sideHere(side: MatchSummary['left'], reader: TableReader | undefined): MatchSummary['left'] {
  const columns = { ra: side.columns.ra, dec: side.columns.dec };
  return { ...side, columns, ...(reader && { misfitByColumn: Object.fromEntries(reader.misfits) }) };
}

function matchQuery({ options, workerCount, assess }: MatchTask): Record<string, string> {
  const {
    radiusArcsec,
    minRadiusArcsec,
    find,
    k,
    join,
    order,
    selfMatch,
    left,
    right,
    columns,
    suffixes,
    strict,
    maxPairs,
    recenter,
    maxSigma,
    area,
    where,
    probabilities,
  } = options;
  const given: Record<string, string | number | boolean | undefined> = {
    radius_arcsec: radiusArcsec,
    min_radius_arcsec: minRadiusArcsec,
    find,
    k,
    join,
    order,
    self_match: selfMatch,
    max_sigma: maxSigma,
    area: typeof area === 'string' ? area : area?.text,
    where,
    ...(probabilities && probabilityQuery(probabilities)),
    ...Object.fromEntries(
      SIDE_OPTIONS.flatMap(({ name, key }) => [
        [`left_${name}`, left?.[key]],
        [`right_${name}`, right?.[key]],
      ]),
    ),
    columns: columns?.join(','),
    suffixes: suffixes?.join(','),
    strict,
    max_pairs: maxPairs,
    recenter,
    assess: assess || undefined,
    workers: workerCount,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function probabilityQuery(given: ProbabilityOptions): Record<string, string | number | undefined> {
  const { rightAreaSquareDegrees, completeness, acceptableRatio, securePosterior, magnitudePriors } = given;
  if (securePosterior !== undefined || magnitudePriors?.some((prior) => prior.endsWith('=auto')))
    throw fail('OPTIONS_CONFLICT', {
      detail: '--magnitude-prior NAME=auto is for matches in this process; give a histogram, or leave --server out',
    });
  return {
    probabilities: 'true',
    right_sky_area: rightAreaSquareDegrees,
    completeness,
    acceptable_ratio: acceptableRatio,
    magnitude_prior: magnitudePriors && JSON.stringify(magnitudePriors),
  };
}

interface ResultDocument {
  readonly state: string;
  readonly summary?: MatchSummary;
  readonly rejected?: readonly {
    readonly table: number;
    readonly row: number;
    readonly reason: RejectedRow['reason'];
    readonly column: string;
    readonly value: string;
  }[];
}

interface CompleteResult extends ResultDocument {
  readonly summary: MatchSummary;
}

/** How the match went, and the rejected rows where they are wanted. */
async function fetchResult(
  client: ServerClient,
  requestId: string,
  task: MatchTask,
  signal: AbortSignal,
): Promise<CompleteResult> {
  const path = `v1/crossmatch/results/${encodeURIComponent(requestId)}${task.rejected ? `?rejected=${REJECTED_LIMIT}` : ''}`;
  const result = camelCaseKeys(await client.get(path, signal)) as ResultDocument;
  const { summary, state } = result;
  if (summary === undefined)
    throw fail('STREAM_INCOMPLETE', {
      where: 'the answer of the server',
      detail: `the match is ${state}, without a summary`,
    });
  return { ...result, summary };
}

async function writeRejected(
  task: MatchTask,
  { left, right }: MatchSummary,
  rejected: NonNullable<ResultDocument['rejected']>,
  metadata: MetadataSource | undefined,
  { signal, terminal }: Pick<CommandContext, 'signal' | 'terminal'>,
): Promise<void> {
  if (!task.rejected) return;
  const rows = new RejectedRows();
  for (const row of rejected) rows.add({ ...row, table: row.table === 1 ? 'right' : 'left' });
  const rejectedCount = left.rejectedRowCount + right.rejectedRowCount;
  if (rejectedCount > rejected.length) {
    terminal.line(`the server lists ${formatCount(rejected.length)} of ${formatCount(rejectedCount)} rejected rows`);
  }
  const { path, format, overwrite } = task.rejected;
  const output = path === STANDARD ? standardOutput() : path;
  await writeTable(output, rows.schema, rows.batches(), { format, overwrite, signal, metadata });
}

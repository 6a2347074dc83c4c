import { fail, formatBytes, formatCount } from '@armilla/base';
import type { MatchSummary, RejectedRow } from '@armilla/crossmatch';
import { SIDE_OPTIONS } from '@armilla/gateway';
import { encodeTable, openTable, type TableReader, writeTable } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { ServerClient } from '../server/server-client.js';
import { standardOutput } from '../terminal/standard-output.js';
import { type MatchTask, STANDARD } from './flags.js';
import { checkTypes, openInput } from './open-input.js';
import { camelCaseKeys } from './json-names.js';
import { RejectedRows } from './rejected-rows.js';

const STORED = 'table:';
/** What a server lists at most. */
const REJECTED_LIMIT = 100_000;

/** Lets a server match: tables go up and rows come down as Arrow streams, whatever the formats of the files. */
export async function matchThere(
  task: MatchTask,
  server: URL,
  { signal, terminal }: CommandContext,
): Promise<MatchSummary> {
  const client = new ServerClient(server, process.env.ARMILLA_TOKEN);
  const stored = task.right?.startsWith(STORED) ? task.right.slice(STORED.length) : undefined;
  const query = matchQuery(task);
  if (stored !== undefined) query.right = stored;
  const readers: { left?: TableReader; right?: TableReader } = {};
  try {
    const part = async (name: 'left' | 'right', path: string) => {
      const reader = await openInput(path, { types: task.types, signal });
      readers[name] = reader;
      if (reader.rowCount !== undefined) query[`${name}_row_count`] = String(reader.rowCount);
      return {
        name,
        fileName: reader.where,
        bytes: encodeTable('arrow-stream', reader.schema, reader.batches({ signal })),
      };
    };
    // The right table goes first: the server needs it before it can match a single left row.
    const right = task.right === undefined || stored !== undefined ? [] : [await part('right', task.right)];
    const parts = [...right, await part('left', task.left)];
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
    const output = task.output.path === STANDARD ? standardOutput() : task.output.path;
    const { format, overwrite } = task.output;
    await writeTable(output, result.schema, result.batches({ signal }), { format, overwrite, signal });
    const summary = await fetchSummary(client, answer.requestId, task, { signal, terminal });
    // The tables were read here, and the server saw nulls only.
    return {
      ...summary,
      left: withMisfits(summary.left, readers.left),
      right: withMisfits(summary.right, task.right === undefined ? readers.left : readers.right),
    };
  } finally {
    for (const reader of Object.values(readers)) await reader.close();
  }
}

function withMisfits(side: MatchSummary['left'], reader: TableReader | undefined): MatchSummary['left'] {
  return reader === undefined ? side : { ...side, misfitByColumn: Object.fromEntries(reader.misfits) };
}

function matchQuery({ options, workerCount }: MatchTask): Record<string, string> {
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
    maxSigma,
    area,
    where,
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
    workers: workerCount,
  };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
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

async function fetchSummary(
  client: ServerClient,
  requestId: string,
  task: MatchTask,
  { signal, terminal }: Pick<CommandContext, 'signal' | 'terminal'>,
): Promise<MatchSummary> {
  const path = `v1/crossmatch/results/${encodeURIComponent(requestId)}${task.rejected ? `?rejected=${REJECTED_LIMIT}` : ''}`;
  const { summary, rejected = [], state } = camelCaseKeys(await client.get(path, signal)) as ResultDocument;
  if (summary === undefined)
    throw fail('STREAM_INCOMPLETE', {
      where: 'the answer of the server',
      detail: `the match is ${state}, without a summary`,
    });
  if (task.rejected) {
    const rows = new RejectedRows();
    for (const row of rejected) rows.add({ ...row, table: row.table === 1 ? 'right' : 'left' });
    const rejectedCount = summary.left.rejectedRowCount + summary.right.rejectedRowCount;
    if (rejectedCount > rejected.length) {
      terminal.line(`the server lists ${formatCount(rejected.length)} of ${formatCount(rejectedCount)} rejected rows`);
    }
    const { path: file, format, overwrite } = task.rejected;
    await writeTable(file === STANDARD ? standardOutput() : file, rows.schema, rows.batches(), {
      format,
      overwrite,
      signal,
    });
  }
  return summary;
}

import { fail, toProblem } from '@armilla/base';
import type { CallContext } from '@armilla/chassis';
import { type TableReader } from '@armilla/tables';
import { Metadata } from '@grpc/grpc-js';
import { matchTables, type TablesStream } from '../../nway/match-tables.js';
import { residentOf } from '../../stored-reader.js';
import type { StoredTableInfo, StoredTables, TableLease } from '../../stored-tables.js';
import type { Progress } from '../../summary.js';
import type { CrossmatchCore, Room } from '../core.js';
import type { MatchOutcome } from '../results.js';
import { progressUntil } from '../with-progress.js';
import { protoTablesSummary, tablesSummaryJson } from './describe.js';
import type { AskedTable, TablesAsk } from './request.js';
import { TablesWatch } from './watch.js';

/** Made once: most calls end otherwise, and its stack tells nothing. */
const LEFT_EARLY = fail('CANCELLED');

/** The tables that a client sends, one after the other. */
export interface SentTables {
  readonly receivedBytes: number;
  /** The next table, which must be number `table`. */
  open(table: number, options: { rowCount?: number; signal: AbortSignal; where: string }): Promise<TableReader>;
  /** Waits for the end of what the client sends; throws when it is not the end. */
  finish(signal: AbortSignal): Promise<void>;
}

/** How a match of several tables is answered, in whatever messages. */
export interface TablesAnswer<Message> {
  /** Before the first row. */
  progress(progress: Progress): Iterable<Message>;
  rows(match: AnsweredTables): AsyncIterable<Message>;
}

export interface AnsweredTables {
  readonly stream: TablesStream;
  /** By table; undefined for those that were sent. */
  readonly stored: readonly (StoredTableInfo | undefined)[];
  /** The progress to tell now; undefined when there is nothing new. */
  progress(): Progress | undefined;
  /** TablesSummary in protobuf JSON; to be asked for after the last batch. */
  detailJson(): string;
}

export interface TablesCall<Message> {
  readonly read: () => TablesAsk;
  /** `room` is to be awaited before more is taken from the client. */
  readonly send: (room: Room) => SentTables;
  readonly answer: TablesAnswer<Message>;
}

/** One match of several tables from its options to its summary, recorded under `requestId`. */
export async function* matchOfTables<Message>(
  { runtime, stored, results, server }: CrossmatchCore,
  requestId: string,
  call: CallContext,
  { read, send, answer }: TablesCall<Message>,
): AsyncGenerator<Message, void, undefined> {
  const record = results.open(requestId, call.principal);
  const ended = new AbortController();
  const signal = AbortSignal.any([call.signal, ended.signal]);
  let outcome: MatchOutcome = { failure: LEFT_EARLY };
  try {
    const ask = read();
    await using leases = useTables(stored, ask.inputs);
    const watch = new TablesWatch(ask, leases.infos);
    let sent: SentTables | undefined;
    const planned = (): number => watch.plannedBytes(sent?.receivedBytes ?? 0);
    using permit = await server.admission.admit(planned(), signal);
    const headers = new Metadata();
    headers.set('armilla-request-id', requestId);
    call.sendMetadata(headers);
    const tables = (sent = send((moreBytes = 0) => permit.grow(planned() + moreBytes, signal)));
    const inputs = ask.inputs.map(({ rowCount }, k) => {
      const info = leases.infos[k];
      const where = `table ${k + 1}`;
      return info ? residentOf(info) : () => tables.open(k, { rowCount, signal, where });
    });
    const loading = matchTables(inputs, ask.options, {
      runtime,
      execution: ask.execution,
      signal,
      onProgress: (progress) => watch.see(progress),
      onRejected: ({ table, ...row }) => record.addRejected(table, row),
    });
    await using _loaded = disposedWith(loading, ended);
    for await (const progress of progressUntil(loading, () => watch.news())) yield* answer.progress(progress);
    const stream = await loading;
    // Nothing is kept back by rows that could be sent already: all tables have come.
    await tables.finish(signal);
    yield* answer.rows({
      stream,
      stored: leases.infos,
      progress: () => watch.news(),
      detailJson: () => {
        const tablesSummary = protoTablesSummary(stream.summary(), requestId);
        outcome = { tablesSummary };
        return tablesSummaryJson(tablesSummary);
      },
    });
  } catch (error) {
    outcome = { failure: toProblem(call.signal.aborted ? call.signal.reason : error) };
    throw error;
  } finally {
    results.close(record, outcome);
  }
}

/** The match gives everything back at the end, also when the call ends while its tables are read. */
function disposedWith(loading: Promise<TablesStream>, ended: AbortController): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort(LEFT_EARLY);
      await loading.then(
        (stream) => stream[Symbol.asyncDispose](),
        () => undefined,
      );
    },
  };
}

/** The stored tables among `inputs`, in use until disposed of. Throws HANDLE_NOT_FOUND. */
function useTables(
  stored: StoredTables,
  inputs: readonly AskedTable[],
): { readonly infos: readonly (StoredTableInfo | undefined)[] } & AsyncDisposable {
  // Nobody else runs between looking and taking.
  for (const { stored: name } of inputs) if (name !== undefined) stored.get(name);
  const leases: (TableLease | undefined)[] = inputs.map(({ stored: name }) =>
    name === undefined ? undefined : stored.use(name),
  );
  return {
    infos: leases.map((lease) => lease?.info),
    [Symbol.asyncDispose]: async () => {
      for (const lease of leases) await lease?.[Symbol.asyncDispose]();
    },
  };
}

import { fail, toProblem } from '@armilla/base';
import type { CallContext, ServiceContext } from '@armilla/chassis';
import type { Dispatcher, Runtime } from '@armilla/gpu-core';
import type { TableReader } from '@armilla/tables';
import { Metadata } from '@grpc/grpc-js';
import { CatalogTable } from '../catalog-table.js';
import { contentDigest } from '../digest.js';
import type { MatchContext } from '../match.js';
import type { ResolvedOptions, SideOptions } from '../options.js';
import type { StoredTableInfo, StoredTables } from '../stored-tables.js';
import type { MatchStream } from '../stream.js';
import type { Progress } from '../summary.js';
import { columnsHeader, protoSummary, summaryJson } from './describe.js';
import { type MatchAsk, MatchWatch } from './match-watch.js';
import { type MatchOutcome, MatchResults } from './results.js';
import { storedReader, withColumnsOf } from '../stored-reader.js';

/** Made once: most calls end otherwise, and its stack tells nothing. */
const LEFT_EARLY: MatchOutcome = { failure: fail('CANCELLED') };
/** Planned before anything of a table is known. */
const LEAST_BYTES = 2 ** 22;

/** Raises what is reserved for the call to `bytes`; to be awaited before more is taken from its client. */
export type Grow = (bytes: number) => Promise<void> | undefined;

/** Reserves what a match needs by now, and `moreBytes`; to be awaited before more is taken from its client. */
export type Room = (moreBytes?: number) => Promise<void> | undefined;

/** A table that a client sends. */
export interface Upload {
  readonly reader: TableReader;
  readonly receivedBytes: number;
  /** Waits for the end of what the client sends; throws when it is not the end. */
  finish(): Promise<void>;
}

export interface StoreOptions {
  readonly name: string;
  /** 0: the default. */
  readonly ttlSeconds: number;
  readonly columns: SideOptions;
  readonly replace: boolean;
  /** Rows that the client means to send; fewer or more are no whole table. */
  readonly rowCount?: number;
}

/** What a match begins with: what was asked, and the stored tables of it. */
export interface MatchStart {
  readonly ask: MatchAsk;
  /** Those of `ask`, and what a stored left table says of its own positions. */
  readonly options: ResolvedOptions;
  /** The stored left table, if one was asked for. */
  readonly left: TableReader | undefined;
  /** The stored right table, or the only one. */
  readonly right: CatalogTable | undefined;
}

/** How a match is answered, in whatever messages. */
export interface MatchAnswer {
  readonly stream: MatchStream;
  /** The stored right table, where one takes part. */
  readonly stored: StoredTableInfo | undefined;
  /** The stored left table, where one takes part. */
  readonly storedLeft: StoredTableInfo | undefined;
  /** The progress to tell now; undefined when there is nothing new. */
  progress(): Progress | undefined;
  /** MatchSummary in protobuf JSON; to be asked for after the last batch. */
  detailJson(): string;
}

/** What all faces of the service share: stored tables, results of matches, and what guards a call's memory. */
export class CrossmatchCore {
  readonly results: MatchResults;

  constructor(
    readonly runtime: Runtime,
    readonly stored: StoredTables,
    readonly server: ServiceContext,
    private readonly dispatcher?: Dispatcher,
  ) {
    this.results = new MatchResults(server.config.resultTtlSeconds);
  }

  /** Reads, indexes and keeps the table of `upload`, which is asked for once the call is let in. */
  async store(
    { name, ttlSeconds: wantedTtlSeconds, columns, replace, rowCount }: StoreOptions,
    upload: (grow: Grow) => Promise<Upload>,
    { signal, log, tenant }: CallContext,
  ): Promise<StoredTableInfo> {
    this.stored.check(name, replace);
    if (columns.where !== undefined)
      throw fail('OPTIONS_CONFLICT', {
        detail: 'a stored table keeps all of its rows: give left_where or right_where with each match instead',
      });
    const ttlSeconds = this.stored.ttlSeconds(wantedTtlSeconds);
    using permit = await this.server.admission.admit(LEAST_BYTES, signal);
    const sent = await upload((bytes) => permit.grow(bytes, signal));
    const table = await CatalogTable.load(sent.reader, {
      runtime: this.runtime,
      columns,
      tenant,
      signal,
      onRows: () => this.stored.checkQuota(sent.receivedBytes, replace ? name : undefined),
    });
    const digest = await sent
      .finish()
      .then(() => checkRowCount(name, table.rowCount, rowCount))
      .then(() => contentDigest(table, signal))
      .catch(async (error: unknown) => {
        await table.dispose();
        throw error;
      });
    const info = await this.stored.put(name, table, digest, { ttlSeconds, replace });
    log.info('table stored', { table: info.name, rowCount: table.rowCount, sizeBytes: info.sizeBytes });
    return info;
  }

  /**
   * One match from its options to its summary, recorded under `requestId`: `read` gives what is asked, `begin` the match
   * (`room` is to be awaited before more is taken from the client), `answer` the messages.
   */
  async *match<Message>(
    requestId: string,
    call: CallContext,
    read: () => MatchAsk,
    begin: (start: MatchStart, context: MatchContext, room: Room) => Promise<MatchStream>,
    answer: (answer: MatchAnswer) => AsyncIterable<Message>,
  ): AsyncGenerator<Message, void, undefined> {
    const record = this.results.open(requestId, call.principal);
    let outcome: MatchOutcome = LEFT_EARLY;
    try {
      const ask = read();
      const watch = new MatchWatch(ask, this.runtime);
      if (ask.options.selfMatch !== undefined && ask.leftTable !== undefined)
        throw fail('OPTIONS_CONFLICT', {
          field: 'left',
          detail: 'a stored table that is matched with itself is named as right',
        });
      await using lease = ask.rightTable === undefined ? undefined : this.stored.use(ask.rightTable);
      await using leftLease = ask.leftTable === undefined ? undefined : this.stored.use(ask.leftTable);
      using permit = await this.server.admission.admit(Math.max(LEAST_BYTES, watch.plannedBytes()), call.signal);
      const context: MatchContext = {
        runtime: this.runtime,
        dispatcher: this.dispatcher,
        tenant: call.tenant,
        deadlineMs: call.deadlineMs,
        execution: ask.execution,
        signal: call.signal,
        leftRowCount: ask.leftRowCount,
        rightRowCount: ask.rightRowCount,
        onRejected: ({ table, ...row }) => record.addRejected(table === 'left' ? 0 : 1, row),
        onProgress: (progress) => watch.see(progress),
        assess: ask.assess,
        // A table that is sent has passed by when it has been read.
        openLeftAgain: leftLease && (async () => storedReader(leftLease.info)),
      };
      // What was reserved for the rows expected has to grow when more come.
      const room: Room = (moreBytes = 0) => permit.grow(watch.plannedBytes() + moreBytes, call.signal);
      const start: MatchStart = {
        ask,
        options: leftLease
          ? { ...ask.options, left: withColumnsOf(leftLease.info.table, ask.options.left) }
          : ask.options,
        left: leftLease && storedReader(leftLease.info),
        right: lease?.info.table,
      };
      await using stream = await begin(start, context, room);
      call.sendMetadata(headersOf(stream, requestId));
      yield* answer({
        stream,
        stored: lease?.info,
        storedLeft: leftLease?.info,
        progress: () => watch.news(),
        detailJson: () => {
          const summary = protoSummary(stream.summary(), requestId);
          outcome = { summary, evidence: stream.assessment()?.evidence };
          return summaryJson(summary);
        },
      });
    } catch (error) {
      outcome = { failure: toProblem(call.signal.aborted ? call.signal.reason : error) };
      throw error;
    } finally {
      this.results.close(record, outcome);
    }
  }
}

function checkRowCount(name: string, got: number, expected: number | undefined): void {
  if (expected !== undefined && got !== expected)
    throw fail('ARROW_TRUNCATED', { where: `table '${name}'`, detail: `${got} rows came, ${expected} were announced` });
}

function headersOf({ guesses }: MatchStream, requestId: string): Metadata {
  const headers = new Metadata();
  headers.set('armilla-request-id', requestId);
  headers.set('armilla-left-columns', columnsHeader(guesses.left));
  headers.set('armilla-right-columns', columnsHeader(guesses.right));
  return headers;
}

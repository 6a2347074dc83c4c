import { fail, toProblem } from '@armilla/base';
import {
  type CallContext,
  clientStream,
  duplex,
  type Frame,
  type ServiceContext,
  type ServiceModule,
  unary,
  withFrameCodec,
} from '@armilla/chassis';
import type { Runtime } from '@armilla/gpu-core';
import {
  CrossmatchServiceService,
  type DeleteTableRequest,
  type DeleteTableResponse,
  type ExplainRequest,
  type ExplainResponse,
  type GetResultRequest,
  type GetResultResponse,
  type GetTableRequest,
  type GetTableResponse,
  type ListTablesRequest,
  type ListTablesResponse,
  MatchRequest,
  PutOptions,
  type PutResponse,
} from '@armilla/proto';
import type { TableReader } from '@armilla/tables';
import { Metadata } from '@grpc/grpc-js';
import { CatalogTable } from './catalog-table.js';
import { contentDigest } from './digest.js';
import { crossmatch, type MatchContext, selfMatch } from './match.js';
import { type ExecutionOptions, resolveExecution, type ResolvedOptions } from './options.js';
import { planMatch, WHOLE_SKY_SQUARE_DEGREES } from './plan.js';
import { answerFrames } from './service/answer.js';
import { columnsHeader, protoSummary, protoTable, summaryJson } from './service/describe.js';
import { FrameTables } from './service/frame-tables.js';
import { checkedRequestId, expectedRows, readExecution, readOptions, sideOptions } from './service/request.js';
import { type MatchOutcome, MatchResults } from './service/results.js';
import { StoredTables } from './stored-tables.js';
import type { MatchStream } from './stream.js';
import type { Progress } from './summary.js';

export { contentDigest } from './digest.js';
export { StoredTables, type StoredTableInfo, type StoredTablesOptions } from './stored-tables.js';

export interface CrossmatchServiceOptions {
  readonly runtime: Runtime;
  /** Tables to serve from the start on; the service owns them from then on. */
  readonly tables?: StoredTables;
}

/** Bytes per row that are planned for payload columns before the schema is known. */
const GUESSED_ROW_BYTES = 64;
/** Made once: most calls end otherwise, and its stack tells nothing. */
const LEFT_EARLY: MatchOutcome = { failure: fail('CANCELLED') };
/** Planned before anything of a table is known. */
const LEAST_BYTES = 2 ** 22;

/** The crossmatch service as `serve` hosts it. */
export function crossmatchService({ runtime, tables }: CrossmatchServiceOptions): ServiceModule {
  let stored: StoredTables | undefined = tables;
  return {
    name: 'armilla.crossmatch.v1.CrossmatchService',
    definition: withFrameCodec(CrossmatchServiceService),
    handlers: (context) => {
      stored ??= new StoredTables({
        quotaBytes: context.config.tableQuotaBytes || context.admission.stats().limitBytes / 2,
        defaultTtlSeconds: context.config.tableTtlSeconds,
      });
      const service = new Handlers(runtime, stored, context);
      return {
        put: clientStream<Frame, PutResponse>((frames, call) => service.put(frames, call)),
        match: duplex<Frame, Frame>((frames, call) => service.match(frames, call)),
        explain: unary<ExplainRequest, ExplainResponse>((request) => service.explain(request)),
        getTable: unary<GetTableRequest, GetTableResponse>(({ name }) => ({
          table: protoTable(service.stored.get(name)),
        })),
        listTables: unary<ListTablesRequest, ListTablesResponse>(() => ({
          tables: service.stored.list().map(protoTable),
        })),
        deleteTable: unary<DeleteTableRequest, DeleteTableResponse>(async ({ name }) => {
          await service.stored.delete(name);
          return {};
        }),
        getResult: unary<GetResultRequest, GetResultResponse>(({ requestId, rejectedLimit }, { principal }) =>
          service.results.get(requestId, rejectedLimit, principal),
        ),
      };
    },
    close: async () => stored?.[Symbol.asyncDispose](),
  };
}

class Handlers {
  readonly results: MatchResults;

  constructor(
    private readonly runtime: Runtime,
    readonly stored: StoredTables,
    private readonly server: ServiceContext,
  ) {
    this.results = new MatchResults(server.config.resultTtlSeconds);
  }

  async put(frames: AsyncIterable<Frame>, { signal, log }: CallContext): Promise<PutResponse> {
    using begun = await begin(frames);
    const { first, rest } = begun;
    const options = decoded(PutOptions, first);
    this.stored.check(options.name, options.replace);
    if (options.columns?.where)
      throw fail('OPTIONS_CONFLICT', {
        detail: 'a stored table keeps all of its rows: give left_where or right_where with each match instead',
      });
    const ttlSeconds = this.stored.ttlSeconds(Number(options.ttlSeconds));
    using permit = await this.server.admission.admit(LEAST_BYTES, signal);
    const tables: FrameTables = new FrameTables(first, rest, () => permit.grow(tables.receivedBytes, signal));
    const reader = await tables.openOnly(`table '${options.name}'`, { signal });
    const table = await CatalogTable.load(reader, {
      runtime: this.runtime,
      columns: sideOptions(options.columns),
      signal,
      onRows: () => this.stored.checkQuota(tables.receivedBytes, options.replace ? options.name : undefined),
    });
    const digest = await tables
      .finish(signal)
      .then(() => contentDigest(table, signal))
      .catch(async (error: unknown) => {
        await table.dispose();
        throw error;
      });
    const info = await this.stored.put(options.name, table, digest, { ttlSeconds, replace: options.replace });
    log.info('table stored', { table: info.name, rowCount: table.rowCount, sizeBytes: info.sizeBytes });
    return { table: protoTable(info) };
  }

  async *match(frames: AsyncIterable<Frame>, call: CallContext): AsyncGenerator<Frame, void, undefined> {
    using begun = await begin(frames);
    const { first, rest } = begun;
    const request = decoded(MatchRequest, first);
    const requestId = checkedRequestId(request.requestId, call.requestId);
    const record = this.results.open(requestId, call.principal);
    let outcome: MatchOutcome = LEFT_EARLY;
    try {
      const options = readOptions(request.options, this.server.config.maxPairs);
      const watch = new MatchWatch(request, options, this.runtime);
      await using lease = request.rightTable === '' ? undefined : this.stored.use(request.rightTable);
      using permit = await this.server.admission.admit(
        Math.max(LEAST_BYTES, watch.plannedBytes(lease !== undefined)),
        call.signal,
      );
      const context: MatchContext = {
        runtime: this.runtime,
        execution: watch.execution,
        signal: call.signal,
        leftRowCount: watch.leftRowCount,
        rightRowCount: watch.rightRowCount,
        onRejected: (row) => record.addRejected(row),
        onProgress: (progress) => watch.see(progress),
      };
      // What was reserved for the rows expected has to grow when more come.
      const tables = new FrameTables(first, rest, () =>
        permit.grow(watch.plannedBytes(lease !== undefined), call.signal),
      );
      await using stream = await this.#start(tables, options, lease?.info.table, context, call.signal);
      call.sendMetadata(headersOf(stream, requestId));
      yield* answerFrames(stream, {
        crc: this.server.config.frameCrc,
        progress: () => watch.news(),
        finishInput: () => tables.finish(call.signal),
        detailJson: () => {
          const summary = protoSummary(stream.summary(), requestId);
          outcome = { summary };
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

  async #start(
    tables: FrameTables,
    options: ResolvedOptions,
    resident: CatalogTable | undefined,
    context: MatchContext,
    signal: AbortSignal,
  ): Promise<MatchStream> {
    const { leftRowCount, rightRowCount } = context;
    const openLeft = (): Promise<TableReader> => tables.open(0, { signal, rowCount: leftRowCount });
    if (options.selfMatch !== undefined) return selfMatch(resident ?? (await openLeft()), options, context);
    return crossmatch(
      openLeft,
      resident ?? (await tables.open(1, { signal, rowCount: rightRowCount })),
      options,
      context,
    );
  }

  explain(request: ExplainRequest): ExplainResponse {
    const options = readOptions(request.options, this.server.config.maxPairs);
    const area = request.areaSquareDegrees;
    if (!(area >= 0 && area <= 41_253))
      throw fail('OPTION_INVALID', {
        field: 'area_square_degrees',
        expected: 'in (0, 41253], or 0 for the whole sky',
        got: area,
      });
    const plan = planMatch(options, resolveExecution(readExecution(request.execution)), {
      leftRowCount: expectedRows('left_row_count', request.leftRowCount),
      rightRowCount: expectedRows('right_row_count', request.rightRowCount),
      leftRowBytes: expectedRows('left_row_bytes', request.leftRowBytes) ?? 0,
      rightRowBytes: expectedRows('right_row_bytes', request.rightRowBytes) ?? 0,
      workerCount: this.runtime.workerCount,
      memoryLimitBytes: this.runtime.memoryLimitBytes,
      areaSquareDegrees: area === 0 ? undefined : Math.min(area, WHOLE_SKY_SQUARE_DEGREES),
    });
    return {
      cellCount: BigInt(plan.cellCount),
      bucketCount: BigInt(plan.bucketCount),
      chunkRowCount: BigInt(plan.chunkRowCount),
      workerCount: plan.workerCount,
      indexBytes: BigInt(plan.indexBytes),
      chunkBytes: BigInt(plan.chunkBytes),
      payloadBytes: BigInt(plan.payloadBytes),
      plannedBytes: BigInt(plan.plannedBytes),
      estimatedPairCount: plan.estimatedPairCount,
      needsWholeLeft: plan.needsWholeLeft,
      notes: [...plan.notes],
    };
  }
}

/** What is known of a match's size while it runs. */
class MatchWatch {
  readonly execution: ExecutionOptions;
  readonly leftRowCount: number | undefined;
  readonly rightRowCount: number | undefined;
  #progress: Progress | undefined;
  #told: Progress | undefined;

  constructor(
    request: MatchRequest,
    private readonly options: ResolvedOptions,
    private readonly runtime: Runtime,
  ) {
    this.execution = resolveExecution(readExecution(request.execution));
    this.leftRowCount = expectedRows('left_row_count', request.leftRowCount);
    this.rightRowCount = expectedRows('right_row_count', request.rightRowCount);
  }

  see(progress: Progress): void {
    this.#progress = progress;
  }

  /** The progress, unless it was told already. */
  news(): Progress | undefined {
    if (this.#told === this.#progress) return undefined;
    this.#told = this.#progress;
    return this.#told;
  }

  /** For the rows that are expected, or that came if those are more. */
  plannedBytes(rightIsResident: boolean): number {
    return planMatch(this.options, this.execution, {
      leftRowCount: Math.max(this.leftRowCount ?? 0, this.#progress?.leftRowCount ?? 0),
      rightRowCount: Math.max(this.rightRowCount ?? 0, this.#progress?.rightRowCount ?? 0),
      leftRowBytes: GUESSED_ROW_BYTES,
      rightRowBytes: GUESSED_ROW_BYTES,
      workerCount: this.runtime.workerCount,
      memoryLimitBytes: this.runtime.memoryLimitBytes,
      rightIsResident,
    }).plannedBytes;
  }
}

/** The first frame, which brings the options, and the frames after it; disposed of when the call ends. */
async function begin(frames: AsyncIterable<Frame>): Promise<{ first: Frame; rest: AsyncIterator<Frame> } & Disposable> {
  const rest = frames[Symbol.asyncIterator]();
  // Not awaited: a read under way ends with the call, which waits for us.
  const dispose = (): void => void rest.return?.();
  const { done, value } = await rest.next();
  if (done)
    throw fail('STREAM_ORDER', {
      where: 'request',
      detail: 'the stream is empty; its first frame brings the options in app_metadata',
    });
  return { first: value, rest, [Symbol.dispose]: dispose };
}

function decoded<T>(type: { decode(bytes: Uint8Array): T }, { metadata }: Frame): T {
  try {
    return type.decode(metadata ?? new Uint8Array(0));
  } catch (error) {
    throw fail(
      'REQUEST_INVALID',
      { detail: `the options in app_metadata of the first frame cannot be decoded: ${(error as Error).message}` },
      { cause: error },
    );
  }
}

function headersOf({ guesses }: MatchStream, requestId: string): Metadata {
  const headers = new Metadata();
  headers.set('armilla-request-id', requestId);
  headers.set('armilla-left-columns', columnsHeader(guesses.left));
  headers.set('armilla-right-columns', columnsHeader(guesses.right));
  return headers;
}

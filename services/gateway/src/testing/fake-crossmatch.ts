import { fail } from '@armilla/base';
import {
  clientStream,
  cutMessage,
  duplex,
  type Frame,
  loadConfig,
  makeFrame,
  type RunningServer,
  runtimeService,
  serve,
  serverStream,
  type CallContext,
  unary,
  createLogger,
  withFrameCodec,
} from '@armilla/chassis';
import {
  type ConeSearchRequest,
  CrossmatchServiceService,
  MatchRequest,
  MatchSummary,
  PositionColumns,
  PutOptions,
  TableEnd,
  type StoredTable,
  StreamEvent,
} from '@armilla/proto';
import { type IpcMessage, IpcSplitter } from '@armilla/tables';
import { Metadata } from '@grpc/grpc-js';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { createHash } from 'node:crypto';
import { FAKE_RUNTIME } from './fake-runtime.js';

/** What cone searches find. */
const CONE_ROWS = tableToIPC(tableFromArrays({ id: Int32Array.of(7, 8), ra: Float64Array.of(1, 2) }), 'stream');

/** What one Match of the fake has seen. */
export interface SeenMatch {
  request: MatchRequest | undefined;
  /** The opening message as it came. */
  opening: Uint8Array | undefined;
  /** Order in which tables came, by their first frame. */
  tableOrder: number[];
  /** MD5 of header and body bytes by table; padding of headers left out. */
  digests: Map<number, string>;
  byteCounts: Map<number, number>;
  ended: Set<number>;
  /** What was said at the end of each table. */
  ends: Map<number, TableEnd>;
  requestId: string;
  principal: string | undefined;
  traceId: string;
  sentFrameCount: number;
  aborted: string | undefined;
}

export type MatchBehaviour = (
  requests: AsyncIterable<Frame>,
  seen: SeenMatch,
  context: CallContext,
) => AsyncIterable<Frame>;

export interface FakeCrossmatch extends AsyncDisposable {
  readonly target: string;
  readonly server: RunningServer;
  readonly matches: SeenMatch[];
  /** What cone searches asked for; they are answered with two rows. */
  readonly cones: ConeSearchRequest[];
  readonly tables: Map<string, StoredTable>;
  behaviour: MatchBehaviour;
}

/** A small service that speaks the contract and computes nothing: the gateway's tests decide what it does. */
export async function startFake(
  behaviour: MatchBehaviour,
  flags: Record<string, string> = {},
): Promise<FakeCrossmatch> {
  const matches: SeenMatch[] = [];
  const cones: ConeSearchRequest[] = [];
  const tables = new Map<string, StoredTable>();
  const fake = { behaviour };
  async function* follow(requests: AsyncIterable<Frame>, context: CallContext): AsyncGenerator<Frame> {
    const seen: SeenMatch = {
      request: undefined,
      opening: undefined,
      ends: new Map(),
      tableOrder: [],
      digests: new Map(),
      byteCounts: new Map(),
      ended: new Set(),
      requestId: context.requestId,
      principal: context.principal,
      traceId: context.traceId,
      sentFrameCount: 0,
      aborted: undefined,
    };
    matches.push(seen);
    context.signal.addEventListener(
      'abort',
      () => (seen.aborted = (context.signal.reason as { reason?: string }).reason ?? 'unknown'),
    );
    for await (const frame of fake.behaviour(requests, seen, context)) {
      seen.sentFrameCount++;
      yield frame;
    }
  }
  const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', logLevel: 'silent', ...flags } });
  const server = await serve({
    config,
    log: createLogger(config),
    services: [
      runtimeService(FAKE_RUNTIME),
      {
        name: 'armilla.crossmatch.v1.CrossmatchService',
        definition: withFrameCodec(CrossmatchServiceService),
        handlers: () => ({
          match: duplex<Frame, Frame>(follow),
          matchTables: duplex<Frame, Frame>(follow),
          coneSearch: serverStream<ConeSearchRequest, Frame>(async function* (request, context) {
            cones.push(request);
            if (request.table === 'nowhere') throw fail('HANDLE_NOT_FOUND', { name: request.table });
            const metadata = new Metadata();
            metadata.set('armilla-row-count', '2');
            metadata.set('armilla-found-row-count', '5');
            metadata.set('armilla-overflow', 'true');
            context.sendMetadata(metadata);
            yield* answerFrames(CONE_ROWS);
            yield summaryFrame(context.requestId, 2n);
          }),
          put: clientStream(async (requests: AsyncIterable<Frame>) => {
            let options: PutOptions | undefined;
            let byteCount = 0;
            let end: TableEnd | undefined;
            for await (const frame of requests) {
              options ??= PutOptions.decode(frame.metadata ?? new Uint8Array(0));
              byteCount += frame.bodyLength;
              if (frame.endOfTable && frame.metadata) end = TableEnd.decode(frame.metadata);
            }
            const name = options?.name ?? '';
            if (tables.has(name) && !options?.replace) throw fail('HANDLE_EXISTS', { name });
            const table = { ...stored(name, byteCount, options), ...end };
            tables.set(name, table);
            return { table };
          }),
          getTable: unary(({ name }: { name: string }) => ({ table: find(tables, name) })),
          listTables: unary(() => ({ tables: [...tables.values()] })),
          deleteTable: unary(({ name }: { name: string }) => {
            find(tables, name);
            tables.delete(name);
            return {};
          }),
          explain: unary((request: { options?: { radiusArcsec: number }; leftRowCount: bigint }) => ({
            cellCount: request.leftRowCount,
            bucketCount: 1n,
            chunkRowCount: 2n,
            workerCount: 2,
            indexBytes: 3n,
            chunkBytes: 4n,
            payloadBytes: 5n,
            plannedBytes: 12n,
            estimatedPairCount: request.options?.radiusArcsec ?? 0,
            needsWholeLeft: false,
            notes: ['fake'],
          })),
          getResult: unary(
            ({ requestId, rejectedLimit }: { requestId: string; rejectedLimit: number }, { principal }) => {
              const seen = matches.find((one) => one.requestId === requestId && one.principal === principal);
              if (!seen) throw fail('RESULT_NOT_FOUND', { request_id: requestId });
              const rejected = Array.from({ length: Math.min(2, rejectedLimit) }, (_, row) => ({
                table: 0,
                row: BigInt(row),
                reason: 'POSITION_NAN',
                column: 'ra',
                value: 'NaN',
              }));
              return { summary: summaryOf(requestId, 1n), rejected, failureReason: '', failureMessage: '' };
            },
          ),
        }),
      },
    ],
  });
  return {
    target: server.address,
    server,
    matches,
    cones,
    tables,
    get behaviour() {
      return fake.behaviour;
    },
    set behaviour(value) {
      fake.behaviour = value;
    },
    [Symbol.asyncDispose]: () => server.stop(0),
  };
}

function find(tables: Map<string, StoredTable>, name: string): StoredTable {
  const table = tables.get(name);
  if (!table) throw fail('HANDLE_NOT_FOUND', { name });
  return table;
}

function stored(name: string, byteCount: number, options: PutOptions | undefined): StoredTable {
  return {
    name,
    rowCount: 2n,
    rejectedRowCount: 0n,
    sizeBytes: BigInt(byteCount),
    digest: 'ab'.repeat(32),
    columns: options?.columns ?? PositionColumns.fromPartial({ ra: 'ra', dec: 'dec' }),
    columnNames: ['ra', 'dec'],
    createTime: '2026-01-01T00:00:00Z',
    misfitByColumn: {},
    warnings: [],
    expireTime: new Date(Date.UTC(2026, 0, 1) + Number(options?.ttlSeconds ?? 0n) * 1000).toISOString(),
  };
}

export function summaryOf(requestId: string, rowCount: bigint): MatchSummary {
  const side = {
    rowCount,
    matchedRowCount: rowCount,
    unmatchedRowCount: 0n,
    rejectedRowCount: 0n,
    filteredRowCount: 0n,
    rejectedByReason: { POSITION_NAN: 3n },
    columns: { ra: 'ra', dec: 'dec' },
    guessed: true,
    misfitByColumn: { parallaxOverError: 1n },
  };
  return MatchSummary.fromPartial({
    requestId,
    left: side,
    right: side,
    pairCount: rowCount,
    rowCount,
    totalSeconds: 0.5,
    workerCount: 2,
  });
}

/** The last frame of a complete answer. */
export function summaryFrame(requestId: string, rowCount = 1n): Frame {
  const detailJson = JSON.stringify(MatchSummary.toJSON(summaryOf(requestId, rowCount)));
  const event = StreamEvent.fromPartial({
    event: { $case: 'summary', value: { rowCount, batchCount: 1n, bodyCrc32c: 7, detailJson } },
  });
  return makeFrame({ metadata: StreamEvent.encode(event).finish() });
}

export function progressFrame(rows: bigint): Frame {
  const event = StreamEvent.fromPartial({
    event: { $case: 'progress', value: { stage: 'match', leftRowCount: rows, rightRowCount: 0n, resultRowCount: 0n } },
  });
  return makeFrame({ metadata: StreamEvent.encode(event).finish() });
}

/** Notes what came: options, order, digests. */
export function note(seen: SeenMatch, frame: Frame, hashes: Map<number, ReturnType<typeof createHash>>): void {
  if (frame.metadata && !seen.opening) {
    seen.opening = frame.metadata;
    seen.request = MatchRequest.decode(frame.metadata);
  } else if (frame.metadata && frame.endOfTable) seen.ends.set(frame.table, TableEnd.decode(frame.metadata));
  if (frame.header.byteLength > 0 || frame.bodyLength > 0) {
    if (!seen.tableOrder.includes(frame.table)) seen.tableOrder.push(frame.table);
    const hash = hashes.get(frame.table) ?? createHash('md5');
    hashes.set(frame.table, hash);
    for (const part of frame.body) hash.update(part);
    seen.byteCounts.set(frame.table, (seen.byteCounts.get(frame.table) ?? 0) + frame.bodyLength);
  }
  if (frame.endOfTable) {
    seen.ended.add(frame.table);
    seen.digests.set(frame.table, hashes.get(frame.table)?.copy().digest('hex') ?? '');
  }
}

/** Sends the left table back as it comes, after reading the right one. */
export const echo: MatchBehaviour = async function* (requests, seen, context) {
  const hashes = new Map<number, ReturnType<typeof createHash>>();
  const metadata = new Metadata();
  metadata.set('armilla-left-columns', 'ra,dec');
  metadata.set('armilla-right-columns', 'RAJ2000,DEJ2000');
  context.sendMetadata(metadata);
  yield progressFrame(0n);
  for await (const frame of requests) {
    note(seen, frame, hashes);
    if (frame.table === 0 && (frame.header.byteLength > 0 || frame.bodyLength > 0))
      yield makeFrame({ ...frame, endOfTable: false, metadata: undefined, crc32c: undefined });
  }
  yield summaryFrame(context.requestId);
};

/** Reads both tables, then answers with `ipc` (an Arrow stream) `times` its record batches. */
export function answering(ipc: Uint8Array, times = 1): MatchBehaviour {
  return async function* (requests, seen, context) {
    const hashes = new Map<number, ReturnType<typeof createHash>>();
    for await (const frame of requests) note(seen, frame, hashes);
    yield* answerFrames(ipc, times);
    yield summaryFrame(context.requestId);
  };
}

export function* answerFrames(ipc: Uint8Array, times = 1): Generator<Frame> {
  const [schema, ...batches] = messagesOf(ipc);
  yield* cutMessage(schema, 0);
  for (let n = 0; n < times; n++) for (const batch of batches) yield* cutMessage(batch, 0);
}

export function messagesOf(ipc: Uint8Array): IpcMessage[] {
  return [...new IpcSplitter().push(ipc)];
}

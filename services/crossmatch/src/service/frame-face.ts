import { fail } from '@armilla/base';
import type { CallContext, Frame } from '@armilla/chassis';
import { MatchRequest, PutOptions, type PutResponse, TablesRequest } from '@armilla/proto';
import type { TableReader } from '@armilla/tables';
import { crossmatch, type MatchContext, selfMatch } from '../match.js';
import { resolveExecution } from '../options.js';
import type { MatchStream } from '../stream.js';
import { answerFrames } from './answer.js';
import type { CrossmatchCore, Grow, MatchStart } from './core.js';
import { protoTable } from './describe.js';
import { FrameTables } from './frame-tables.js';
import type { MatchAsk } from './match-watch.js';
import { checkedRequestId, sideOptions, expectedRows, readExecution, readOptions } from './request.js';
import { TablesFrames } from './tables/frames.js';
import { matchOfTables } from './tables/match.js';
import { readTablesRequest } from './tables/request.js';

/** The Put of armilla.crossmatch.v1. */
export async function putFrames(
  core: CrossmatchCore,
  frames: AsyncIterable<Frame>,
  call: CallContext,
): Promise<PutResponse> {
  using begun = await begin(frames);
  const { first, rest } = begun;
  const { name, ttlSeconds, columns, replace } = decoded(PutOptions, first);
  const options = { name, ttlSeconds: Number(ttlSeconds), columns: sideOptions(columns), replace };
  const { signal } = call;
  const upload = async (grow: Grow) => {
    const tables: FrameTables = new FrameTables(first, rest, () => grow(tables.receivedBytes));
    return {
      reader: await tables.openOnly(`table '${name}'`, { signal }),
      get receivedBytes() {
        return tables.receivedBytes;
      },
      finish: () => tables.finish(signal),
    };
  };
  return { table: protoTable(await core.store(options, upload, call)) };
}

/** The Match of armilla.crossmatch.v1. */
export async function* matchFrames(
  core: CrossmatchCore,
  frames: AsyncIterable<Frame>,
  call: CallContext,
): AsyncGenerator<Frame, void, undefined> {
  using begun = await begin(frames);
  const { first, rest } = begun;
  const request = decoded(MatchRequest, first);
  const requestId = checkedRequestId(request.requestId, call.requestId);
  const { signal } = call;
  let tables: FrameTables | undefined;
  const { config } = core.server;
  yield* core.match(
    requestId,
    call,
    () => askOf(request, config.maxPairs),
    (start, context, room) => {
      tables = new FrameTables(first, rest, room);
      return matchOf(tables, start, context, signal);
    },
    (answer) => answerFrames(answer, { crc: config.frameCrc, finishInput: async () => tables?.finish(signal) }),
  );
}

function askOf(request: MatchRequest, maxPairs: number): MatchAsk {
  return {
    options: readOptions(request.options, maxPairs),
    execution: resolveExecution(readExecution(request.execution)),
    leftRowCount: expectedRows('left_row_count', request.leftRowCount),
    rightRowCount: expectedRows('right_row_count', request.rightRowCount),
    rightTable: request.rightTable || undefined,
    leftTable: request.leftTable || undefined,
    assess: request.assess,
  };
}

async function matchOf(
  tables: FrameTables,
  { ask: { leftRowCount, rightRowCount }, options, left, right }: MatchStart,
  context: MatchContext,
  signal: AbortSignal,
): Promise<MatchStream> {
  const openLeft = (): Promise<TableReader> => tables.open(0, { signal, rowCount: leftRowCount });
  if (options.selfMatch !== undefined) return selfMatch(right ?? (await openLeft()), options, context);
  return crossmatch(
    left ?? openLeft,
    right ?? (await tables.open(1, { signal, rowCount: rightRowCount })),
    options,
    context,
  );
}

/** The MatchTables of armilla.crossmatch.v1. */
export async function* matchTablesFrames(
  core: CrossmatchCore,
  frames: AsyncIterable<Frame>,
  call: CallContext,
): AsyncGenerator<Frame, void, undefined> {
  using begun = await begin(frames);
  const { first, rest } = begun;
  const request = decoded(TablesRequest, first);
  const requestId = checkedRequestId(request.requestId, call.requestId);
  const { config } = core.server;
  yield* matchOfTables(core, requestId, call, {
    read: () => readTablesRequest(request, config.maxPairs),
    send: (room) => new FrameTables(first, rest, room),
    answer: new TablesFrames(config.frameCrc),
  });
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

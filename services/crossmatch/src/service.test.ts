import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isProblem, type Problem, Random } from '@armilla/base';
import {
  callMetadata,
  callOnce,
  connect,
  type ConnectedClient,
  createLogger,
  type Frame,
  hashToken,
  loadConfig,
  makeFrame,
  type RunningServer,
  serve,
  writeFrame,
} from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import {
  CrossmatchServiceService,
  ExplainRequest,
  type ExplainResponse,
  Find,
  type GetResultResponse,
  Join,
  type ListTablesResponse,
  type MatchOptions,
  Order,
  PutOptions,
  type PutResponse,
  SelfMatch,
} from '@armilla/proto';
import { type Positions, referencePairs } from '@armilla/sky';
import type { Metadata } from '@grpc/grpc-js';
import type { Table } from 'apache-arrow';
import { crossmatchService } from './service.js';
import { type Answer, receive, requestFrame, send, tableFrames } from './service/testing/client.js';
import { rowsOf, tableOf } from './testing/memory-table.js';
import { awkwardSky } from './testing/sky.js';

type Client = ConnectedClient<typeof CrossmatchServiceService>;

let runtime: Runtime;
let server: RunningServer;
let client: Client;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  ({ server, client } = await start());
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

async function start(flags: Record<string, string | number> = {}): Promise<{ server: RunningServer; client: Client }> {
  const config = loadConfig({ flags: { grpcAddress: '127.0.0.1:0', ...flags } });
  const log = createLogger({ logLevel: 'error' });
  const made = await serve({ services: [crossmatchService({ runtime })], config, log });
  return { server: made, client: connect(CrossmatchServiceService, made.address) };
}

const left = awkwardSky(21, 150);
const right = awkwardSky(22, 170);
const catalog = ({ ra, dec, nulls }: Positions): Table => {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({ id: Int32Array.from(ra, (_, i) => i), ra: orNull(ra), dec: orNull(dec) });
};

/** A square degree of `rowCount` random positions. */
function denseSky(rowCount: number): Table {
  const random = new Random(3);
  return catalog({
    ra: Float64Array.from({ length: rowCount }, () => random.between(0, 1)),
    dec: Float64Array.from({ length: rowCount }, () => random.between(0, 1)),
  });
}

interface MatchInput {
  options: Partial<MatchOptions>;
  request?: Parameters<typeof requestFrame>[0];
  leftTable?: Table;
  rightTable?: Table | null;
  on?: Client;
  headers?: (metadata: Metadata) => void;
}

async function match({
  options,
  request,
  leftTable = catalog(left),
  rightTable = catalog(right),
  on = client,
  headers,
}: MatchInput): Promise<Answer> {
  const call = on.match();
  if (headers) call.on('metadata', headers);
  const frames = function* (): Generator<Frame> {
    yield requestFrame({ options: { radiusArcsec: 12, ...options }, ...request });
    if (rightTable) yield* tableFrames(rightTable, 1);
    yield* tableFrames(leftTable, 0);
  };
  const [answer] = await Promise.all([receive(call), send(call, frames()).catch(() => undefined)]);
  return answer;
}

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error: unknown = await promise.then(
    () => new Error('it did not fail'),
    (failed: unknown) => failed,
  );
  if (!isProblem(error)) throw error;
  return error;
}

const expectedPairs = (find: 'nearest' | 'all'): string[] => {
  const pairs = referencePairs(left, right, { radiusArcsec: 12, minRadiusArcsec: 0, find, k: 1, order: 'left' });
  return Array.from(pairs.left, (row, p) => `${row},${pairs.right[p]}`);
};
const pairsOf = ({ batches }: Answer): string[] => rowsOf(batches).map((row) => `${row.left_row},${row.right_row}`);

test('a match in any order (the default of a stream) equals brute force as a set, with its summary and headers', async () => {
  let metadata: Metadata | undefined;
  const answer = await match({
    options: {},
    request: { options: { radiusArcsec: 12 }, requestId: 'test-1' },
    headers: (given) => (metadata = given),
  });
  expect(pairsOf(answer).sort()).toEqual(expectedPairs('nearest').sort());
  expect(answer.summary.rowCount).toBe(BigInt(answer.batches.reduce((sum, batch) => sum + batch.numRows, 0)));
  expect(answer.summary.batchCount).toBe(BigInt(answer.batches.length));
  const { detail } = answer;
  expect(detail.requestId).toBe('test-1');
  for (const side of [detail.left!, detail.right!]) {
    expect(side.rowCount).toBe(
      side.matchedRowCount + side.unmatchedRowCount + side.rejectedRowCount + side.filteredRowCount,
    );
    expect(side).toMatchObject({ guessed: true, columns: { ra: 'ra', dec: 'dec' } });
  }
  expect(metadata?.get('armilla-left-columns')).toEqual(['ra=ra; dec=dec; guessed=true']);
  expect(metadata?.get('armilla-right-columns')).toEqual(['ra=ra; dec=dec; guessed=true']);
  expect(metadata?.get('armilla-request-id')).toEqual(['test-1']);
});

test('order left is exact in order; every mode answers', async () => {
  const columns = ['left_row', 'right_row'];
  expect(pairsOf(await match({ options: { order: Order.LEFT, columns } }))).toEqual(expectedPairs('nearest'));
  expect(pairsOf(await match({ options: { order: Order.LEFT, find: Find.ALL, columns } }))).toEqual(
    expectedPairs('all'),
  );
  for (const find of [Find.K_NEAREST, Find.MUTUAL, Find.ONE_TO_ONE])
    for (const join of [Join.INNER, Join.FULL, Join.RIGHT_ANTI]) {
      const { detail, summary } = await match({ options: { find, join } });
      expect(detail.rowCount).toBe(summary.rowCount);
      expect(detail.needsWholeLeft).toBe(find !== Find.K_NEAREST || join === Join.RIGHT_ANTI);
    }
});

test('a table with itself: pairs and groups', async () => {
  const pairs = await match({
    options: { selfMatch: SelfMatch.PAIRS, columns: ['left_row', 'right_row'] },
    rightTable: null,
  });
  const expected = referencePairs(left, left, {
    radiusArcsec: 12,
    minRadiusArcsec: 0,
    find: 'all',
    k: 1,
    order: 'left',
    selfFirstRow: 0,
  });
  expect(pairsOf(pairs).length).toBe(expected.pairCount);
  const groups = await match({ options: { selfMatch: SelfMatch.GROUPS }, rightTable: null });
  expect(groups.detail.groupCount).toBeGreaterThan(1n);
});

test('an empty result has its schema and its summary', async () => {
  const nowhere = tableOf({ ra: Float64Array.of(200), dec: Float64Array.of(-70) });
  const call = client.match();
  const sent = send(call, [
    requestFrame({ options: { radiusArcsec: 1 } }),
    ...tableFrames(catalog(right), 1),
    ...tableFrames(nowhere, 0),
  ]);
  const answer = await receive(call);
  await sent;
  expect(answer.summary).toMatchObject({ rowCount: 0n, batchCount: 0n });
});

test('rejected rows are listed by GetResult', async () => {
  await match({ options: {}, request: { options: { radiusArcsec: 12 }, requestId: 'with-bad-rows' } });
  const { summary, rejected } = await callOnce<GetResultResponse>((...rest) =>
    client.getResult({ requestId: 'with-bad-rows', rejectedLimit: 1000 }, ...rest),
  );
  expect(rejected.length).toBe(Number(summary!.left!.rejectedRowCount + summary!.right!.rejectedRowCount));
  expect(rejected.length).toBeGreaterThan(5);
  expect(rejected.some(({ table, reason }) => table === 1 && reason === 'DECLINATION_OUT_OF_RANGE')).toBe(true);
  await expect(
    callOnce((...rest) => client.getResult({ requestId: 'unknown', rejectedLimit: 0 }, ...rest)),
  ).rejects.toMatchObject({ reason: 'RESULT_NOT_FOUND' });
});

test('where tokens are asked for, a result is known to who made it only', async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'armilla-tokens-')), 'tokens');
  writeFileSync(tokenFile, ['ada', 'eve'].map((name) => `${hashToken(name).toString('hex')} ${name}\n`).join(''));
  const own = await start({ authTokens: tokenFile });
  try {
    const call = own.client.match(callMetadata({ token: 'ada' }));
    void send(call, [
      requestFrame({ options: { radiusArcsec: 1 }, requestId: 'mine' }),
      ...tableFrames(catalog(right), 1),
      ...tableFrames(catalog(left), 0),
    ]);
    await receive(call);
    const result = (token: string): Promise<GetResultResponse> =>
      callOnce((...rest) => own.client.getResult({ requestId: 'mine', rejectedLimit: 0 }, ...rest), { token });
    expect((await result('ada')).summary?.requestId).toBe('mine');
    await expect(result('eve')).rejects.toMatchObject({ reason: 'RESULT_NOT_FOUND' });
  } finally {
    own.client.close();
    await own.server.stop(0);
    rmSync(dirname(tokenFile), { recursive: true });
  }
});

describe('refused requests', () => {
  const stream = async (frames: Iterable<Frame>): Promise<Problem> => {
    const call = client.match();
    void send(call, frames).catch(() => undefined);
    return problemOf(receive(call));
  };
  const good = requestFrame({ options: { radiusArcsec: 1 } });
  const [schemaFrame, batchFrame, endFrame] = [...tableFrames(catalog(right), 1)];
  const asLeft = (frame: Frame): Frame => ({ ...frame, table: 0 });

  test.each<[string, () => Iterable<Frame>, string]>([
    ['an empty stream', () => [], 'STREAM_ORDER'],
    ['no options', () => [makeFrame({ header: schemaFrame.header, table: 1 })], 'REQUEST_INVALID'],
    [
      'options that are none',
      () => [makeFrame({ metadata: Buffer.from('\xff\xff\xff\xff', 'latin1') })],
      'REQUEST_INVALID',
    ],
    ['no radius', () => [requestFrame({ options: {} })], 'RADIUS_OUT_OF_RANGE'],
    ['an unknown mode', () => [requestFrame({ options: { radiusArcsec: 1, find: 77 as Find } })], 'OPTION_INVALID'],
    ['a bad request id', () => [requestFrame({ options: { radiusArcsec: 1 }, requestId: 'a b' })], 'OPTION_INVALID'],
    [
      'a table that is not stored',
      () => [requestFrame({ options: { radiusArcsec: 1 }, rightTable: 'nowhere' })],
      'HANDLE_NOT_FOUND',
    ],
    ['the left table first', () => [good, asLeft(schemaFrame), asLeft(batchFrame), asLeft(endFrame)], 'STREAM_ORDER'],
    ['no left table', () => [good, schemaFrame, batchFrame, endFrame], 'STREAM_ORDER'],
    ['a right table without its end', () => [good, schemaFrame, batchFrame], 'STREAM_ORDER'],
    [
      'a left table without its end',
      () => [good, schemaFrame, batchFrame, endFrame, asLeft(schemaFrame), asLeft(batchFrame)],
      'STREAM_ORDER',
    ],
    ['a table without a schema', () => [good, endFrame], 'ARROW_TRUNCATED'],
    ['a batch before its schema', () => [good, batchFrame, endFrame], 'ARROW_INVALID'],
    ['garbage for a schema', () => [good, makeFrame({ header: Buffer.alloc(64, 7), table: 1 })], 'ARROW_INVALID'],
    [
      'a body cut short',
      () => [good, schemaFrame, { ...batchFrame, body: [Buffer.alloc(8)], bodyLength: 8 }, endFrame],
      'ARROW_INVALID',
    ],
    ['a wrong checksum', () => [good, schemaFrame, { ...batchFrame, crc32c: 1 }, endFrame], 'CHECKSUM_MISMATCH'],
    [
      'rows behind the end of the left table',
      () => [
        good,
        ...tableFrames(catalog(right), 1),
        ...tableFrames(catalog(left), 0),
        asLeft(batchFrame),
        asLeft(endFrame),
      ],
      'STREAM_ORDER',
    ],
    [
      'rows of the right table behind the end of the left one',
      () => [good, ...tableFrames(catalog(right), 1), ...tableFrames(catalog(left), 0), batchFrame],
      'STREAM_ORDER',
    ],
    ['no positions', () => [good, ...tableFrames(tableOf({ x: Float64Array.of(1) }), 1)], 'COLUMN_NOT_GUESSED'],
  ])('%s', async (_name, frames, reason) => {
    expect((await stream(frames())).reason).toBe(reason);
  });

  test('a client that leaves its stream open behind the last table gets its answer', async () => {
    const call = client.match();
    void (async () => {
      for (const frame of [good, ...tableFrames(catalog(right), 1), ...tableFrames(catalog(left), 0)])
        await writeFrame(call, frame);
    })();
    expect((await receive(call)).detail.left?.rowCount).toBe(150n);
    call.end();
  });

  test('too many pairs are refused while the left table still streams', async () => {
    const dense = denseSky(3000);
    const call = client.match();
    const frames = async function* (): AsyncGenerator<Frame> {
      yield requestFrame({
        options: { radiusArcsec: 3600, find: Find.ALL, maxPairs: 10n },
        execution: { workerCount: 0, chunkRowCount: 1024, cellRowCount: 0 },
      });
      yield* tableFrames(dense, 1);
      const [schema, ...batches] = tableFrames(dense, 0, 2000);
      yield schema;
      yield batches[0];
      // The client stalls here; the refusal must not wait for it.
      await new Promise(() => undefined);
    };
    void send(call, frames());
    expect((await problemOf(receive(call))).reason).toBe('MAX_PAIRS_EXCEEDED');
  });
});

describe('stored tables', () => {
  const put = (
    on: Client,
    name: string,
    table: Table,
    options: Partial<PutOptions> = {},
    batchRowCount?: number,
  ): Promise<PutResponse['table']> => putFrames(on, name, tableFrames(table, 0, batchRowCount), options);
  const putFrames = async (
    on: Client,
    name: string,
    frames: Iterable<Frame>,
    options: Partial<PutOptions> = {},
  ): Promise<PutResponse['table']> => {
    let call: ReturnType<Client['put']> | undefined;
    const response = callOnce<PutResponse>(
      (metadata, settings, callback) => (call = on.put(metadata, settings, callback)),
    );
    void (async () => {
      await writeFrame(
        call!,
        makeFrame({ metadata: PutOptions.encode(PutOptions.fromPartial({ name, ...options })).finish() }),
      );
      for (const frame of frames) await writeFrame(call!, frame);
      call!.end();
    })().catch(() => undefined);
    return (await response).table;
  };
  const remove = (on: Client, name: string): Promise<unknown> =>
    callOnce((...rest) => on.deleteTable({ name }, ...rest));
  const list = async (on: Client): Promise<string[]> =>
    (await callOnce<ListTablesResponse>((...rest) => on.listTables({}, ...rest))).tables.map(({ name }) => name);

  test('put, list, match, replace, delete', async () => {
    const stored = await put(client, 'gaia', catalog(right));
    expect(stored).toMatchObject({
      name: 'gaia',
      rowCount: 170n,
      columns: { ra: 'ra', dec: 'dec' },
      columnNames: ['id', 'ra', 'dec'],
    });
    expect(stored?.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(await list(client)).toEqual(['gaia']);
    const answer = await match({
      options: { columns: ['left_row', 'right_row'], order: Order.LEFT },
      request: {
        options: { radiusArcsec: 12, columns: ['left_row', 'right_row'], order: Order.LEFT },
        rightTable: 'gaia',
      },
      rightTable: null,
    });
    expect(pairsOf(answer)).toEqual(expectedPairs('nearest'));
    await expect(put(client, 'gaia', catalog(left))).rejects.toMatchObject({ reason: 'HANDLE_EXISTS' });
    await expect(put(client, 'nameless', tableOf({ x: Float64Array.of(1) }))).rejects.toMatchObject({
      reason: 'COLUMN_NOT_GUESSED',
      fields: { where: "table 'nameless'", option: 'ra' },
    });
    const replaced = await put(client, 'gaia', catalog(left), { replace: true });
    expect(replaced).toMatchObject({ rowCount: 150n });
    expect(replaced?.digest).not.toBe(stored?.digest);
    await remove(client, 'gaia');
    expect(await list(client)).toEqual([]);
    await expect(remove(client, 'gaia')).rejects.toMatchObject({ reason: 'HANDLE_NOT_FOUND' });
  });

  test('the frames of a table to keep may carry either number, but one', async () => {
    expect(await putFrames(client, 'as-right', tableFrames(catalog(right), 1))).toMatchObject({ rowCount: 170n });
    const [schema, batch, end] = [...tableFrames(catalog(right), 1)];
    for (const frames of [
      [schema, { ...batch, table: 0 }, end],
      [schema, batch, end, batch],
    ]) {
      await expect(putFrames(client, 'mixed', frames)).rejects.toMatchObject({ reason: 'STREAM_ORDER' });
    }
    expect(await list(client)).not.toContain('mixed');
    await remove(client, 'as-right');
  });

  test('rows sent to the match of a stored table with itself are refused', async () => {
    await put(client, 'alone', catalog(right));
    const call = client.match();
    void send(call, [
      requestFrame({ options: { radiusArcsec: 12, selfMatch: SelfMatch.PAIRS }, rightTable: 'alone' }),
      ...tableFrames(catalog(left), 0),
    ]).catch(() => undefined);
    expect((await problemOf(receive(call))).reason).toBe('STREAM_ORDER');
    await remove(client, 'alone');
  });

  test('the digest is of the content, not of its batches', async () => {
    const digests = new Set<string | undefined>();
    for (const batchRowCount of [1000, 7, 64])
      digests.add((await put(client, `cut-${batchRowCount}`, catalog(right), {}, batchRowCount))?.digest);
    expect(digests.size).toBe(1);
  });

  test.each(['', '.hidden', 'a/b', 'a b', 'x'.repeat(129)])("the name '%s' is refused", async (name) => {
    await expect(put(client, name, catalog(right))).rejects.toMatchObject({ reason: 'HANDLE_INVALID' });
  });

  test('over the quota is refused', async () => {
    const own = await start({ tableQuotaBytes: 3000 });
    await expect(put(own.client, 'big', denseSky(1000))).rejects.toMatchObject({ reason: 'QUOTA_EXCEEDED' });
    expect(await list(own.client)).toEqual([]);
    own.client.close();
    await own.server.stop(0);
  });

  test('a table deleted while a match runs on it stays until the match ends', async () => {
    await put(client, 'used', catalog(right));
    const call = client.match();
    const frames = async function* (): AsyncGenerator<Frame> {
      yield requestFrame({
        options: { radiusArcsec: 12, order: Order.LEFT, columns: ['left_row', 'right_row'] },
        rightTable: 'used',
      });
      const [schema, ...rest] = tableFrames(catalog(left), 0, 10);
      yield schema;
      await new Promise((resolve) => setTimeout(resolve, 100));
      await remove(client, 'used');
      expect(await list(client)).not.toContain('used');
      yield* rest;
    };
    const [answer] = await Promise.all([receive(call), send(call, frames())]);
    expect(pairsOf(answer)).toEqual(expectedPairs('nearest'));
  });
});

test('Explain says what a match costs', async () => {
  const plan = await callOnce<ExplainResponse>((...rest) =>
    client.explain(
      ExplainRequest.fromPartial({
        options: { radiusArcsec: 2 },
        leftRowCount: 10_000_000n,
        rightRowCount: 10_000_000n,
        leftRowBytes: 24n,
        rightRowBytes: 24n,
      }),
      ...rest,
    ),
  );
  expect(plan.plannedBytes).toBe(plan.indexBytes + plan.chunkBytes + plan.payloadBytes);
  expect(plan.cellCount).toBe(1250n);
  expect(plan.estimatedPairCount).toBeCloseTo(2350.44, 1);
  await expect(
    callOnce((...rest) => client.explain(ExplainRequest.fromPartial({ options: { radiusArcsec: 0 } }), ...rest)),
  ).rejects.toMatchObject({ reason: 'RADIUS_OUT_OF_RANGE' });
});

describe('a job that would run long', () => {
  const options = { radiusArcsec: 60, find: Find.ALL, columns: ['separation_arcsec'] };
  const dense = denseSky(500_000);

  /** Starts it and resolves when rows flow. */
  async function begin(metadata = callMetadata({}), deadlineMs?: number) {
    const call = client.match(metadata, deadlineMs === undefined ? {} : { deadline: deadlineMs });
    const frames = function* (): Generator<Frame> {
      yield requestFrame({ options });
      yield* tableFrames(dense, 1, 10_000);
      yield* tableFrames(dense, 0, 10_000);
    };
    void send(call, frames()).catch(() => undefined);
    let flowing = (): void => undefined;
    const flows = new Promise<void>((resolve) => (flowing = resolve));
    const outcome = problemOf(receive(call, () => flowing()));
    return { call, flows, outcome };
  }

  /** The call ends and gives its memory back, long before the job would be done; then no cell is done any more. */
  async function workStops(): Promise<void> {
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    for (let n = 0; n < 100 && (server.activeCallCount > 0 || server.admission.stats().running > 0); n++)
      await wait(30);
    const before = runtime.stats().cellsDone;
    await wait(300);
    expect(runtime.stats().cellsDone).toBe(before);
    expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
    expect(server.activeCallCount).toBe(0);
  }

  test('cancelled in mid-stream: the work stops', async () => {
    const { call, flows, outcome } = await begin();
    await flows;
    call.cancel();
    expect((await outcome).reason).toBe('CANCELLED');
    await workStops();
  });

  test('its deadline passes: the work stops', async () => {
    const { outcome } = await begin(callMetadata({}), Date.now() + 1500);
    expect((await outcome).reason).toBe('DEADLINE_EXCEEDED');
    await workStops();
  });

  test('a client that vanishes: the work stops', async () => {
    const own = connect(CrossmatchServiceService, server.address, undefined, {
      channel: { 'grpc.use_local_subchannel_pool': 1 },
    });
    const call = own.match();
    call.on('error', () => undefined);
    void send(
      call,
      (function* () {
        yield requestFrame({ options });
        yield* tableFrames(dense, 1, 10_000);
        yield* tableFrames(dense, 0, 10_000);
      })(),
    ).catch(() => undefined);
    await new Promise((resolve) => call.once('readable', resolve));
    own.close();
    call.cancel();
    await workStops();
  });

  test('a reader that stops reading stops the work', async () => {
    const call = client.match();
    call.on('error', () => undefined);
    void send(
      call,
      (function* () {
        yield requestFrame({ options });
        yield* tableFrames(dense, 1, 10_000);
        yield* tableFrames(dense, 0, 10_000);
      })(),
    ).catch(() => undefined);
    await new Promise((resolve) => call.once('readable', resolve));
    // What is under way is finished; then nothing new begins, though the call goes on.
    for (let before = -1; before !== runtime.stats().cellsDone;) {
      before = runtime.stats().cellsDone;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    expect(server.activeCallCount).toBe(1);
    call.cancel();
    await workStops();
  });
});

test('calls leave no timers behind', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  await match({ options: {} });
  const before = timers();
  for (let i = 0; i < 20; i++) await match({ options: {} });
  expect(timers()).toBeLessThan(before + 10);
});

test('32 concurrent clients get exact answers', async () => {
  const expected = expectedPairs('nearest');
  const answers = await Promise.all(
    Array.from({ length: 32 }, () => match({ options: { order: Order.LEFT, columns: ['left_row', 'right_row'] } })),
  );
  for (const answer of answers) expect(pairsOf(answer)).toEqual(expected);
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Problem } from '@armilla/base';
import {
  callMetadata,
  callOnce,
  type Frame,
  hashToken,
  makeFrame,
  type RunningServer,
  writeFrame,
} from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import {
  ExplainRequest,
  type ExplainResponse,
  Find,
  type GetResultResponse,
  Join,
  Order,
  SelfMatch,
} from '@armilla/proto';
import { referencePairs } from '@armilla/sky';
import type { Metadata } from '@grpc/grpc-js';
import { type Answer, receive, requestFrame, send, tableFrames } from './service/testing/client.js';
import {
  catalog,
  type Client,
  denseSky,
  expectedPairs,
  left,
  match as matchOn,
  type MatchInput,
  pairsOf,
  problemOf,
  right,
  startService,
} from './service/testing/served.js';
import { tableOf } from './testing/memory-table.js';

let runtime: Runtime;
let server: RunningServer;
let client: Client;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  ({ server, client } = await startService(runtime));
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

const match = (input: MatchInput): Promise<Answer> => matchOn(client, input);

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
  const own = await startService(runtime, { authTokens: tokenFile });
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
        execution: { workerCount: 0, chunkRowCount: 1024, cellRowCount: 0, device: '' },
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

test('calls that grow beyond what they were let in with wait for each other, and all succeed', async () => {
  const own = await startService(runtime, { memoryLimitBytes: 64 * 2 ** 20, admissionWaitSeconds: 120 });
  const table = denseSky(150_000);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      matchOn(own.client, {
        options: { radiusArcsec: 0.01, columns: ['left_row'] },
        leftTable: table,
        rightTable: table,
      }),
    ),
  );
  for (const { batches } of answers) expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(150_000);
  expect(own.server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
  own.client.close();
  await own.server.stop(0);
});

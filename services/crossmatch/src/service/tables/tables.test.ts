import { callMetadata, callOnce, type Frame, makeFrame, type RunningServer } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import {
  ExecutionOptions,
  type GetResultResponse,
  Multi,
  PutOptions,
  type PutResponse,
  TableEnd,
  TableInput,
  TablesJoin,
  TablesOptions,
  TablesRequest,
  TablesSummary,
} from '@armilla/proto';
import { encodeTable, PROVENANCE_KEY } from '@armilla/tables';
import type { RecordBatch, Schema, Table } from 'apache-arrow';
import { matchTables, type TablesOptions as LibraryOptions } from '../../index.js';
import { memoryTable, tableOf } from '../../testing/memory-table.js';
import { awkwardSky } from '../../testing/sky.js';
import { receiveRows, send, tableFrames } from '../testing/client.js';
import { catalog, type Client, denseSky, problemOf, startService } from '../testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: Client;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  ({ server, client } = await startService(runtime));
  for (const [k, table] of tables.entries()) await put(`t${k + 1}`, table);
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});
afterEach(async () => {
  for (let n = 0; n < 100 && (server.activeCallCount > 0 || server.admission.stats().running > 0); n++)
    await new Promise((resolve) => setTimeout(resolve, 30));
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
});

const RADIUS = 60;
const tables = [31, 32, 33].map((seed) =>
  catalog(awkwardSky(seed, 120)).assign(tableOf({ e: Float64Array.from({ length: 120 }, (_, i) => 1 + (i % 3)) })),
);
type Options = Partial<TablesOptions>;
type Sent = Table | string;

async function put(name: string, table: Table): Promise<void> {
  const options = PutOptions.encode(PutOptions.fromPartial({ name, replace: true })).finish();
  const frames = [makeFrame({ metadata: options }), ...tableFrames(table, 0)];
  let call: ReturnType<Client['put']> | undefined;
  const stored = callOnce<PutResponse>((...rest) => (call = client.put(...rest)), {});
  await Promise.all([stored, send(call as never, frames)]);
}

const resultOf = (requestId: string, rejectedLimit: number): Promise<GetResultResponse> =>
  callOnce((...rest) => client.getResult({ requestId, rejectedLimit }, ...rest), {});

const opening = (options: Options | undefined, inputs: readonly Partial<TableInput>[], rest = {}): Frame =>
  makeFrame({
    metadata: TablesRequest.encode(
      TablesRequest.fromPartial({
        options: options && TablesOptions.fromPartial({ radiusArcsec: RADIUS, ...options }),
        inputs: inputs.map((input) => TableInput.fromPartial(input)),
        ...rest,
      }),
    ).finish(),
  });

async function match(of: readonly Sent[], options: Options = {}, rest = {}, on = client) {
  const call = on.matchTables();
  const frames = function* (): Generator<Frame> {
    yield opening(
      options,
      of.map((one) => (typeof one === 'string' ? { storedTable: one } : { rowCount: BigInt(one.numRows) })),
      rest,
    );
    for (const [k, one] of of.entries()) if (typeof one !== 'string') yield* tableFrames(one, k, 37);
  };
  const [answer] = await Promise.all([receiveRows(call), send(call, frames()).catch(() => undefined)]);
  return { ...answer, detail: TablesSummary.fromJSON(JSON.parse(answer.summary.detailJson)) };
}

/** Rows and schema as bytes, without what says where they come from. */
async function bytesOf(schema: Schema, batches: Iterable<RecordBatch>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  async function* rows(): AsyncGenerator<RecordBatch> {
    yield* batches;
  }
  for await (const part of encodeTable('csv', schema, rows())) parts.push(part);
  return Buffer.concat(parts);
}

async function here(options: Partial<LibraryOptions>, of = tables): Promise<{ bytes: Buffer; rowCount: number }> {
  const readers = of.map((one) => memoryTable(one));
  const stream = await matchTables(readers, { radiusArcsec: RADIUS, ...options }, { runtime });
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  return { bytes: await bytesOf(stream.schema, batches), rowCount: stream.summary().rowCount };
}

const error = 'e:arcsec';
const CASES: [string, Options, Partial<LibraryOptions>][] = [
  ['pairs', {}, {}],
  ['pairs, left', { join: TablesJoin.LEFT }, { join: 'left' }],
  ['pairs, full', { join: TablesJoin.FULL }, { join: 'full' }],
  [
    'groups',
    { multi: Multi.GROUPS, join: TablesJoin.MATCHED, columns: ['1.id', '3.*', 'group_id', 'row_2'] },
    { multi: 'groups', join: 'matched', columns: ['1.id', '3.*', 'group_id', 'row_2'] },
  ],
  ['combinations', { multi: Multi.COMBINATIONS }, { multi: 'combinations' }],
  [
    'conditions',
    { join: TablesJoin.FULL, tables: [{}, { columns: { where: 'id < 60' } }] as never },
    { join: 'full', tables: [{}, { where: 'id < 60' }] },
  ],
  [
    'probabilities',
    {
      tables: [
        { columns: { error } },
        {
          columns: { error },
          skyAreaSquareDegrees: 1,
          completeness: 0.9,
          magnitudePriors: ['id=0 60 1 2; 60 200 3 2'],
        },
        { columns: { error }, skyAreaSquareDegrees: 2 },
      ] as never,
      probabilities: { completeness: 0, acceptableRatio: 0.4 },
    },
    {
      tables: [
        { error },
        { error, skyAreaSquareDegrees: 1, completeness: 0.9, magnitudePriors: ['id=0 60 1 2; 60 200 3 2'] },
        { error, skyAreaSquareDegrees: 2 },
      ],
      probabilities: { acceptableRatio: 0.4 },
    },
  ],
];

test.each(CASES)('%s: the rows of the library, sent, stored and mixed', async (_, options, same) => {
  const expected = await here(same);
  expect(expected.rowCount).toBeGreaterThan(5);
  for (const sent of [tables, ['t1', 't2', 't3'], [tables[0], 't2', tables[2]]]) {
    const { batches, detail, summary } = await match(sent, options);
    expect((await bytesOf(batches[0].schema, batches)).equals(expected.bytes)).toBe(true);
    expect([Number(detail.rowCount), Number(summary.rowCount)]).toEqual([expected.rowCount, expected.rowCount]);
    expect(detail.tables.map(({ rowCount }) => rowCount)).toEqual([120n, 120n, 120n]);
  }
});

test('any number of workers and cells give the same bytes', async () => {
  const { bytes } = await here({ multi: 'groups', join: 'full' });
  for (const execution of [{ workerCount: 1 }, { cellRowCount: 64 }]) {
    const { batches, detail } = await match(
      tables,
      { multi: Multi.GROUPS, join: TablesJoin.FULL },
      { execution: ExecutionOptions.fromPartial(execution) },
    );
    expect((await bytesOf(batches[0].schema, batches)).equals(bytes)).toBe(true);
    expect(detail.workerCount).toBe('workerCount' in execution ? 1 : 2);
  }
});

test('a table may stand in a match several times', async () => {
  const { detail } = await match(['t1', 't1', tables[0]], { columns: ['row_1', 'row_2', 'row_3'] });
  expect(detail.rowCount).toBe(detail.tables[0].rowCount - detail.tables[0].rejectedRowCount);
});

test('provenance and result tell of each table; its rejected rows have its number', async () => {
  const { batches, detail } = await match([tables[0], 't2', tables[2]], {}, { requestId: 'of-three' });
  const { inputs, options } = JSON.parse(String(batches[0].schema.metadata.get(PROVENANCE_KEY))) as {
    inputs: object[];
    options: object;
  };
  expect(inputs).toMatchObject([
    { table: 1, name: 'table 1', row_count: 120 },
    { table: 2, name: 'table:t2', content_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    { table: 3, name: 'table 3' },
  ]);
  expect(options).toMatchObject({ multi: 'pairs', join: 'inner', radius_arcsec: RADIUS });
  const result = await resultOf('of-three', 1000);
  expect(result).toMatchObject({ tablesSummary: detail, summary: undefined, failureReason: '' });
  const { rejected } = result;
  // Rows of a stored table were rejected when it was stored.
  for (const [k, table] of [0, 2].entries())
    expect(rejected.filter((row) => row.table === table)).toHaveLength(
      Number(detail.tables[[0, 2][k]].rejectedRowCount),
    );
  expect(rejected.some(({ table }) => table === 2)).toBe(true);
});

test('what the sender says of a table at its end reaches the summary', async () => {
  const call = client.matchTables();
  const said = { misfitByColumn: { e: 3n, nothing: 9n }, warnings: ['the service cut it'] };
  const frames = function* (): Generator<Frame> {
    yield opening({}, [{}, {}]);
    for (const [k, table] of [tables[0], tables[1]].entries()) {
      const all = [...tableFrames(table, k)];
      yield* all.slice(0, -1);
      yield makeFrame({ table: k, endOfTable: true, metadata: k === 1 ? TableEnd.encode(said).finish() : undefined });
    }
  };
  const [answer] = await Promise.all([receiveRows(call), send(call, frames())]);
  const detail = TablesSummary.fromJSON(JSON.parse(answer.summary.detailJson));
  expect(detail.warnings).toEqual(['the service cut it']);
  expect(detail.tables.map(({ misfitByColumn }) => misfitByColumn)).toEqual([{}, { e: 3n }]);
});

describe('refused', () => {
  test.each<[string, readonly Sent[], Options]>([
    ['OPTION_INVALID', [tables[0]], {}],
    ['OPTION_INVALID', Array.from({ length: 11 }, () => 't1'), {}],
    ['HANDLE_NOT_FOUND', ['t1', tables[1], 'nowhere'], {}],
    ['RADIUS_OUT_OF_RANGE', tables, { radiusArcsec: 0 }],
    ['OPTION_INVALID', tables, { multi: 17 as never }],
    ['OPTION_INVALID', tables, { join: 5 as never }],
    ['OPTIONS_CONFLICT', tables, { tables: [{}, { columns: { epoch: 'J2000' } }] as never }],
    ['OPTIONS_CONFLICT', tables, { tables: [{}, { skyAreaSquareDegrees: 1 }] as never }],
    ['OPTIONS_CONFLICT', tables, { tables: Array.from({ length: 4 }, () => ({})) as never }],
    ['OPTIONS_CONFLICT', tables, { multi: Multi.COMBINATIONS, join: TablesJoin.LEFT }],
    ['OPTION_INVALID', tables, { columns: ['4.id'] }],
    ['COLUMN_NOT_FOUND', tables, { columns: ['3.nothing'] }],
    ['COLUMN_NOT_FOUND', ['t1', 't2', 't3'], { columns: ['3.nothing'] }],
    ['OPTION_INVALID', tables, { maxPairs: -1n }],
    ['MAX_PAIRS_EXCEEDED', tables, { maxPairs: 2n }],
    ['COLUMN_NOT_GUESSED', [tables[0], tableOf({ x: [1] })], {}],
    ['BAD_ROW', [tables[0], tableOf({ ra: [1], dec: [91] })], { strict: true }],
  ])('%s', async (reason, of, options) => {
    expect((await problemOf(match(of, options))).reason).toBe(reason);
  });

  const [a, b] = [tables[0], tables[1]].map((table) => (k: number) => [...tableFrames(table, k)]);
  test.each<[string, string, readonly Frame[]]>([
    ['no frame at all', 'STREAM_ORDER', []],
    ['no options', 'REQUEST_INVALID', [opening(undefined, [{}, {}]), ...a(0), ...b(1)]],
    ['options that are none', 'REQUEST_INVALID', [makeFrame({ metadata: Buffer.from([255, 255]) }), ...a(0), ...b(1)]],
    ['a missing table', 'STREAM_ORDER', [opening({}, [{}, {}]), ...a(0)]],
    ['a table that breaks off', 'STREAM_ORDER', [opening({}, [{}, {}]), ...a(0), ...b(1).slice(0, -1)]],
    ['more tables than were promised', 'STREAM_ORDER', [opening({}, [{}, {}]), ...a(0), ...b(1), ...b(2)]],
    ['the wrong order', 'STREAM_ORDER', [opening({}, [{}, {}]), ...b(1), ...a(0)]],
    ['a stored table that is sent', 'STREAM_ORDER', [opening({}, [{}, { storedTable: 't2' }]), ...a(0), ...b(1)]],
    ['a number of no table', 'STREAM_ORDER', [opening({}, [{}, {}]), ...a(0), ...b(10)]],
    ['a table twice', 'STREAM_ORDER', [opening({}, [{}, {}]), ...a(0), ...a(0), ...b(1)]],
    ['an end without a table', 'ARROW_TRUNCATED', [opening({}, [{}, {}]), makeFrame({ endOfTable: true }), ...b(1)]],
    [
      'a table of rubbish',
      'ARROW_INVALID',
      [opening({}, [{}, {}]), ...a(0), makeFrame({ table: 1, header: Buffer.alloc(64, 7) })],
    ],
  ])('%s is %s', async (_, reason, frames) => {
    const call = client.matchTables();
    const [problem] = await Promise.all([problemOf(receiveRows(call)), send(call, frames).catch(() => undefined)]);
    expect(problem.reason).toBe(reason);
  });

  test('a failed match is known by its reason', async () => {
    await problemOf(match(tables, { maxPairs: 2n }, { requestId: 'too-many' }));
    const result = await resultOf('too-many', 0);
    expect(result).toMatchObject({ failureReason: 'MAX_PAIRS_EXCEEDED', tablesSummary: undefined });
  });
});

describe('stopped', () => {
  const dense = denseSky(200_000);

  test('a client that leaves in the middle of its upload', async () => {
    const call = client.matchTables();
    const outcome = problemOf(receiveRows(call));
    let sent = (): void => undefined;
    const half = new Promise<void>((resolve) => (sent = resolve));
    const frames = async function* (): AsyncGenerator<Frame> {
      yield opening({}, [{}, {}, {}]);
      yield* tableFrames(dense, 0, 10_000);
      yield* [...tableFrames(dense, 1, 10_000)].slice(0, 9);
      sent();
      await outcome;
    };
    void send(call, frames()).catch(() => undefined);
    await half;
    call.cancel();
    expect((await outcome).reason).toBe('CANCELLED');
  });

  test('in the middle of its rows', async () => {
    const call = client.matchTables();
    const outcome = problemOf(receiveRows(call, () => call.cancel()));
    const frames = function* (): Generator<Frame> {
      yield opening({ multi: Multi.COMBINATIONS, radiusArcsec: 20, columns: ['row_1'] }, [{}, {}]);
      yield* tableFrames(dense, 0, 10_000);
      yield* tableFrames(dense, 1, 10_000);
    };
    void send(call, frames()).catch(() => undefined);
    expect((await outcome).reason).toBe('CANCELLED');
  });

  test('by its deadline, though the client still sends', async () => {
    const call = client.matchTables(callMetadata({}), { deadline: Date.now() + 700 });
    const outcome = problemOf(receiveRows(call));
    const frames = async function* (): AsyncGenerator<Frame> {
      yield opening({}, [{}, {}]);
      yield* tableFrames(tables[0], 0);
      await outcome;
    };
    void send(call, frames()).catch(() => undefined);
    expect((await outcome).reason).toBe('DEADLINE_EXCEEDED');
  });

  test('progress flows while tables come, before the first row', async () => {
    const call = client.matchTables();
    const answer = receiveRows(call);
    const frames = async function* (): AsyncGenerator<Frame> {
      yield opening({ columns: ['1.id'] }, [{}, {}]);
      yield* tableFrames(dense, 0, 10_000);
      // Long enough that the service tells what it has.
      await new Promise((resolve) => setTimeout(resolve, 600));
      yield* tableFrames(dense, 1, 10_000);
    };
    void send(call, frames());
    const { progress } = await answer;
    expect(progress[0]).toMatchObject({ stage: 'index', leftRowCount: 200_000n, rightRowCount: 0n });
    for (const [i, { leftRowCount, rightRowCount }] of progress.entries())
      if (i > 0) {
        expect(leftRowCount >= progress[i - 1].leftRowCount).toBe(true);
        expect(rightRowCount >= progress[i - 1].rightRowCount).toBe(true);
      }
  });
});

test('a table beyond the memory of the server is refused, and so is one in the middle of its upload', async () => {
  const small = await startService(runtime, { memoryLimitBytes: 8 * 2 ** 20 });
  try {
    const table = catalog(awkwardSky(9, 40_000));
    const announced = await problemOf(match([table, table, table], {}, {}, small.client));
    expect(announced.reason).toBe('MEMORY_OVER_LIMIT');
    const call = small.client.matchTables();
    const frames = function* (): Generator<Frame> {
      yield opening({}, [{}, {}, {}]);
      for (const k of [0, 1, 2]) yield* tableFrames(table, k);
    };
    const [problem] = await Promise.all([problemOf(receiveRows(call)), send(call, frames()).catch(() => undefined)]);
    expect(problem.reason).toBe('MEMORY_OVER_LIMIT');
    expect(small.server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
  } finally {
    small.client.close();
    await small.server.stop(0);
  }
});

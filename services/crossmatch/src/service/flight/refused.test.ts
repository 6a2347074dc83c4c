import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  callMetadata,
  callOnce,
  type FlightMessage,
  hashToken,
  makeFlightMessage,
  readFrames,
  type RunningServer,
} from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { FlightDescriptor } from '@armilla/proto';
import { Metadata } from '@grpc/grpc-js';
import type { Table } from 'apache-arrow';
import { tableOf } from '../../testing/memory-table.js';
import {
  act,
  byCommand,
  byPath,
  connectFlight,
  exchangeMessages,
  type FlightClient,
  flights,
  getRows,
  infoOf,
  putMessages,
  putTable,
  tableMessages,
} from '../testing/flight-client.js';
import { catalog, denseSky, left, problemOf, right, startService } from '../testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  ({ server, client } = await start());
  await putTable(client, 'right', catalog(right));
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

async function start(
  flags: Record<string, string | number> = {},
): Promise<{ server: RunningServer; client: FlightClient }> {
  const served = await startService(runtime, flags);
  served.client.close();
  return { server: served.server, client: connectFlight(served.server.address) };
}

const names = async (of = client): Promise<(string | undefined)[]> =>
  (await flights(of)).map((flight) => flight.flightDescriptor?.path[0]);

const [schema, batch] = [...tableMessages(catalog(left), byPath('new'))];
const put = (...messages: FlightMessage[]) => putMessages(client, messages);
const exchange = (...messages: FlightMessage[]) => exchangeMessages(client, messages);
const left0 = (descriptor: FlightDescriptor, options?: unknown): FlightMessage[] => [
  ...tableMessages(catalog(left), descriptor, options),
];
const { UNKNOWN } = { UNKNOWN: FlightDescriptor.fromPartial({}) };
const notJson = FlightDescriptor.fromPartial({ type: 2, cmd: Buffer.from('{oops') });

test.each<[string, () => Promise<unknown>, string]>([
  // Descriptors, tickets and actions.
  ['a descriptor without a type', () => infoOf(client, UNKNOWN), 'REQUEST_INVALID'],
  ['a descriptor of an unknown type', () => infoOf(client, { ...UNKNOWN, type: 9 as 0 }), 'REQUEST_INVALID'],
  ['a table that is not stored', () => infoOf(client, byPath('nowhere')), 'HANDLE_NOT_FOUND'],
  ['a path of two parts', () => infoOf(client, byPath('a', 'b')), 'REQUEST_INVALID'],
  ['a path without parts', () => infoOf(client, byPath()), 'REQUEST_INVALID'],
  ['a command that is no JSON', () => infoOf(client, notJson), 'REQUEST_INVALID'],
  ['a command that is no object', () => infoOf(client, byCommand([1])), 'REQUEST_INVALID'],
  ['a command that says nothing', () => infoOf(client, byCommand({})), 'OPTION_INVALID'],
  ['an empty ticket', () => getRows(client, {}), 'OPTION_INVALID'],
  ['a ticket for a table that is not stored', () => getRows(client, { table: 'nowhere' }), 'HANDLE_NOT_FOUND'],
  [
    'a ticket for a column that is not there',
    () => getRows(client, { table: 'right', columns: ['x'] }),
    'COLUMN_NOT_FOUND',
  ],
  ['a ticket with a name that is no text', () => getRows(client, { table: 7 }), 'OPTION_INVALID'],
  ['a match that names one table', () => getRows(client, { left: 'right', radius: '1arcsec' }), 'REQUEST_INVALID'],
  [
    'a match with a table that is not stored',
    () => getRows(client, { left: 'no', right: 'right', radius: 1 }),
    'HANDLE_NOT_FOUND',
  ],
  [
    'a self-match of two tables',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, self_match: 'pairs' }),
    'OPTIONS_CONFLICT',
  ],
  ['an unknown action', () => act(client, 'format-disk'), 'OPTION_INVALID'],
  ['an action without its table', () => act(client, 'delete-table'), 'OPTION_INVALID'],
  ['an action with an unknown field', () => act(client, 'list-tables', { all: true }), 'OPTION_UNKNOWN'],
  ['a result that is not known', () => act(client, 'get-result', { request_id: 'none' }), 'RESULT_NOT_FOUND'],
  ['a handshake', () => collect(client.handshake()), 'METHOD_NOT_ALLOWED'],
  // Options.
  ['a radius of nonsense', () => getRows(client, { left: 'right', right: 'right', radius: 'wide' }), 'OPTION_INVALID'],
  [
    'a radius that is no number',
    () => getRows(client, { left: 'right', right: 'right', radius_arcsec: '1' }),
    'OPTION_INVALID',
  ],
  [
    'two radii',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, radius_arcsec: 1 }),
    'OPTIONS_CONFLICT',
  ],
  [
    'an unknown mode',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, find: 'best' }),
    'OPTION_INVALID',
  ],
  [
    'an unknown option',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, colour: 'red' }),
    'OPTION_UNKNOWN',
  ],
  [
    'three suffixes',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, suffixes: 'a,b,c' }),
    'OPTION_INVALID',
  ],
  [
    'a bad request id',
    () => getRows(client, { left: 'right', right: 'right', radius: 1, request_id: 'a b' }),
    'OPTION_INVALID',
  ],
  [
    'too many pairs',
    () => getRows(client, { left: 'right', right: 'right', radius: '90deg', find: 'all', max_pairs: 10 }),
    'MAX_PAIRS_EXCEEDED',
  ],
  // Uploads.
  ['an empty upload', () => put(), 'STREAM_ORDER'],
  ['an upload without a descriptor', () => put({ ...schema, descriptor: undefined }, batch), 'STREAM_ORDER'],
  ['a second descriptor', () => put(schema, { ...batch, descriptor: byPath('other') }), 'STREAM_ORDER'],
  ['a batch before its schema', () => put({ ...batch, descriptor: byPath('new') }, schema), 'ARROW_INVALID'],
  ['a second schema', () => put(schema, schema), 'ARROW_INVALID'],
  ['a body without a header', () => put(schema, { ...batch, header: Buffer.alloc(0) }), 'STREAM_ORDER'],
  ['an upload without a schema', () => put(makeFlightMessage({ descriptor: byPath('new') })), 'ARROW_TRUNCATED'],
  ['garbage for a schema', () => put({ ...schema, header: Buffer.alloc(64, 7) }), 'ARROW_INVALID'],
  ['a body cut short', () => put(schema, { ...batch, body: [Buffer.alloc(8)], bodyLength: 8 }), 'ARROW_INVALID'],
  ['a name that is none', () => put(...left0(byPath('a b'))), 'HANDLE_INVALID'],
  ['a table that is there', () => put(...left0(byPath('right'))), 'HANDLE_EXISTS'],
  ['a command without a table', () => put(...left0(byCommand({ replace: true }))), 'REQUEST_INVALID'],
  ['a time to live of nonsense', () => put(...left0(byPath('new'), { ttl_seconds: -1 })), 'OPTION_INVALID'],
  ['an option of a put that is unknown', () => put(...left0(byPath('new'), { tll_seconds: 1 })), 'OPTION_UNKNOWN'],
  ['fewer rows than were announced', () => put(...left0(byPath('new'), { row_count: 151 })), 'ARROW_TRUNCATED'],
  ['options that are no JSON', () => put({ ...schema, metadata: Buffer.from('{') }, batch), 'REQUEST_INVALID'],
  ['a table without positions', () => put(...tableMessages(tableOf({ x: [1] }), byPath('new'))), 'COLUMN_NOT_GUESSED'],
  // Exchanges.
  [
    'an exchange with a table that is not stored',
    () => exchange(...left0(byPath('nowhere'), { radius: 1 })),
    'HANDLE_NOT_FOUND',
  ],
  ['an exchange without a right side', () => exchange(...left0(byCommand({ radius: 1 }))), 'OPTIONS_CONFLICT'],
  [
    'an exchange that names its left table',
    () => exchange(...left0(byCommand({ left: 'right', right: 'right', radius: 1 }))),
    'OPTIONS_CONFLICT',
  ],
  [
    'an exchange without rows or schema',
    () => exchange(makeFlightMessage({ descriptor: byCommand({ right: 'right', radius: 1 }) })),
    'ARROW_TRUNCATED',
  ],
])('%s is refused', async (_, request, reason) => {
  const problem = await problemOf(request());
  expect(problem.reason).toBe(reason);
  // Clients of Flight show no details of a status, so that the reason stands in its message.
  expect(problem.message.endsWith(` [${reason}]`)).toBe(true);
  expect(await names()).toEqual(['right']);
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
});

async function collect(call: Parameters<typeof readFrames>[0]): Promise<void> {
  for await (const _ of readFrames(call));
}

test('a client may ask for the whole problem as JSON', async () => {
  const metadata = new Metadata();
  metadata.set('armilla-errors', 'json');
  const problem = await problemOf(getRows(client, { left: 'right', right: 'right', radius: -1 }, metadata));
  expect(JSON.parse(problem.message)).toMatchObject({
    reason: 'RADIUS_OUT_OF_RANGE',
    message: expect.stringContaining('radius_arcsec'),
    fields: { field: 'radius_arcsec', got: '-1', request_id: expect.any(String) },
  });
});

test('of two clients that put one handle at once, one wins', async () => {
  const sides: Table[] = [catalog(left), catalog(right)];
  const puts = await Promise.allSettled(sides.map((table) => putTable(client, 'one', table)));
  const won = puts.findIndex(({ status }) => status === 'fulfilled');
  expect(puts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect((puts[1 - won] as PromiseRejectedResult).reason).toMatchObject({ reason: 'HANDLE_EXISTS' });
  expect((await infoOf(client, byPath('one'))).totalRecords).toBe(BigInt(sides[won].numRows));
  // With `replace` both succeed, and the later one stays.
  const both = await Promise.all(sides.map((table) => putTable(client, 'one', table, { replace: true })));
  const digests = both.map(({ digest }) => digest);
  const stored = JSON.parse(String(Buffer.from((await infoOf(client, byPath('one'))).appMetadata)));
  expect(digests).toContain(stored.digest);
  await act(client, 'delete-table', { table: 'one' });
});

test('a table over the quota is refused while it is sent', async () => {
  const own = await start({ tableQuotaBytes: 200_000 });
  try {
    const problem = await problemOf(putTable(own.client, 'large', denseSky(100_000)));
    expect(problem.reason).toBe('QUOTA_EXCEEDED');
    expect(await names(own.client)).toEqual([]);
    expect(await putTable(own.client, 'small', catalog(right))).toMatchObject({ name: 'small' });
  } finally {
    own.client.close();
    await own.server.stop(0);
  }
});

test('a message may be as long as is configured for Flight, and no longer', async () => {
  const own = await start({ maxFlightMessageBytes: '8MiB' });
  try {
    const one = (rowCount: number) =>
      putMessages(own.client, tableMessages(denseSky(rowCount), byPath(`of-${rowCount}`), undefined, rowCount));
    // 20 bytes a row: over the 4 MiB of other calls, under 8 MiB.
    expect(await one(300_000)).toMatchObject({ rowCount: '300000' });
    const problem = await problemOf(one(600_000));
    expect(problem.reason).toBe('MESSAGE_TOO_LARGE');
  } finally {
    own.client.close();
    await own.server.stop(0);
  }
});

test('with tokens, each principal sees its own results, and nobody comes in without', async () => {
  const tokenFile = join(mkdtempSync(join(tmpdir(), 'armilla-')), 'tokens');
  writeFileSync(tokenFile, ['ada', 'eve'].map((name) => `${hashToken(name).toString('hex')} ${name}\n`).join(''));
  const own = await start({ authTokens: tokenFile });
  try {
    const as = (token: string): Metadata => callMetadata({ token });
    expect((await problemOf(flights(own.client))).reason).toBe('UNAUTHENTICATED');
    await putMessages(own.client, tableMessages(catalog(right), byPath('right')), as('ada'));
    const command = byCommand({ right: 'right', radius: 1, request_id: 'mine' });
    await exchangeMessages(own.client, tableMessages(catalog(left), command), as('ada'));
    expect(await act(own.client, 'get-result', { request_id: 'mine' }, as('ada'))).toHaveProperty('summary');
    const foreign = await problemOf(act(own.client, 'get-result', { request_id: 'mine' }, as('eve')));
    expect(foreign.reason).toBe('RESULT_NOT_FOUND');
  } finally {
    own.client.close();
    await own.server.stop(0);
    rmSync(dirname(tokenFile), { recursive: true });
  }
});

test('a deadline ends a call of Flight', async () => {
  const call = callOnce((metadata, _, callback) =>
    client.getFlightInfo(byPath('right'), metadata, { deadline: 1 }, callback),
  );
  expect((await problemOf(call)).reason).toBe('DEADLINE_EXCEEDED');
});

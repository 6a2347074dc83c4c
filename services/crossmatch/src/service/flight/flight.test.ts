import { Random } from '@armilla/base';
import { callMetadata, callOnce, readFrames, type RunningServer } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import type { FlightActionType } from '@armilla/proto';
import { Bool, Dictionary, Field, Int32, Int8, List, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { rowsOf } from '../../testing/memory-table.js';
import {
  act,
  byCommand,
  byPath,
  connectFlight,
  exchangeMessages,
  type FlightAnswer,
  type FlightClient,
  flights,
  getRows,
  infoOf,
  putMessages,
  putTable,
  schemaOf,
  tableMessages,
} from '../testing/flight-client.js';
import { catalog, denseSky, expectedPairs, left, right, startService } from '../testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  const served = await startService(runtime);
  served.client.close();
  server = served.server;
  client = connectFlight(server.address);
  await putTable(client, 'left', catalog(left));
  await putTable(client, 'right', catalog(right));
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

const rowNumbers = { radius_arcsec: 12, columns: ['left_row', 'right_row'], order: 'left' };
const pairsOf = ({ batches }: FlightAnswer): string[] =>
  rowsOf(batches).map((row) => `${row.left_row},${row.right_row}`);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** Every kind of column that a slice could get wrong. */
function awkwardTable(rowCount: number): Table {
  const random = new Random(9);
  const some = <T>(make: (i: number) => T): (T | null)[] =>
    Array.from({ length: rowCount }, (_, i) => (random.below(5) === 0 ? null : make(i)));
  return new Table({
    ra: vectorFromArray(Array.from({ length: rowCount }, () => random.between(0, 360))),
    dec: vectorFromArray(Array.from({ length: rowCount }, () => random.between(-90, 90))),
    good: vectorFromArray(
      some((i) => i % 3 === 0),
      new Bool(),
    ),
    name: vectorFromArray(
      some((i) => 'é'.repeat(random.below(40)) + i),
      new Utf8(),
    ),
    kind: vectorFromArray(
      some((i) => `kind ${i % 7}`),
      new Dictionary(new Utf8(), new Int8()),
    ),
    list: vectorFromArray(
      some((i) => [i, i + 1]),
      new List(new Field('item', new Int32())),
    ),
  });
}

test('a table that was put comes back as it was, in messages of about 1 MiB', async () => {
  const table = awkwardTable(200_000);
  const stored = await putTable(client, 'awkward', table, { ttl_seconds: 60 });
  expect(stored).toMatchObject({ name: 'awkward', rowCount: '200000', columns: { ra: 'ra', dec: 'dec' } });
  const { batches, bodyLengths } = await getRows(client, { table: 'awkward' });
  expect(Math.max(...bodyLengths)).toBeLessThan(1.25 * 2 ** 20);
  expect(bodyLengths.length).toBeGreaterThan(10);
  const values = (of: Table): string => JSON.stringify(of.toArray());
  expect(values(new Table(batches))).toBe(values(table));

  const some = await getRows(client, { table: 'awkward', columns: ['name', 'good'] });
  expect(some.schema.names).toEqual(['name', 'good']);
  expect(values(new Table(some.batches))).toBe(values(table.select(['name', 'good'])));
  await act(client, 'delete-table', { table: 'awkward' });
}, 60_000);

test('a table is put by a command as well, and its first message may come without a schema', async () => {
  const [first, ...rest] = tableMessages(catalog(right), byCommand({ table: 'other', ra: 'dec', dec: 'ra' }));
  const stored = await putMessages(client, [{ ...first, header: Buffer.alloc(0) }, first, ...rest]);
  expect(stored).toMatchObject({ name: 'other', columns: { ra: 'dec', dec: 'ra' } });
  await act(client, 'delete-table', { table: 'other' });
});

test('a table without rows comes back with its schema', async () => {
  await putTable(client, 'none', catalog(right).slice(0, 0));
  const { schema, batches } = await getRows(client, { table: 'none' });
  expect(schema.names).toEqual(['id', 'ra', 'dec']);
  expect(rowsOf(batches)).toEqual([]);
  await act(client, 'delete-table', { table: 'none' });
});

test('flights are listed with schema, rows, bytes and a ticket', async () => {
  const [first, second] = await flights(client);
  expect([first, second].map((flight) => flight.flightDescriptor?.path)).toEqual([['left'], ['right']]);
  expect(second.totalRecords).toBe(170n);
  expect(second.totalBytes).toBeGreaterThan(170n * 20n);
  expect(schemaOf(second.schema).names).toEqual(['id', 'ra', 'dec']);
  expect(JSON.parse(text(second.appMetadata))).toMatchObject({ name: 'right', rowCount: '170' });
  expect(second.endpoint[0].expirationTime!.getTime()).toBeGreaterThan(Date.now());
  const { batches } = await getRows(client, JSON.parse(text(second.endpoint[0].ticket!.ticket)));
  expect(rowsOf(batches)).toHaveLength(170);
  expect((await flights(client, 'ri')).map((flight) => flight.flightDescriptor?.path)).toEqual([['right']]);
  expect(await infoOf(client, byPath('left'))).toEqual(first);
});

test('two stored tables are matched by a ticket, whose schema is known before', async () => {
  const ticket = { left: 'left', right: 'right', ...rowNumbers, find: 'all' };
  const answer = await getRows(client, ticket);
  expect(pairsOf(answer)).toEqual(expectedPairs('all'));
  expect(answer.events).toEqual([]);

  const command = { left: 'left', right: 'right', radius: '12arcsec' };
  const info = await infoOf(client, byCommand(command));
  expect(info).toMatchObject({ totalRecords: -1n, totalBytes: -1n, ordered: false });
  const schema = await callOnce<{ schema: Uint8Array }>((...rest) => client.getSchema(byCommand(command), ...rest));
  expect(text(schema.schema)).toBe(text(info.schema));
  const whole = await getRows(client, JSON.parse(text(info.endpoint[0].ticket!.ticket)));
  expect(whole.schema.toString()).toBe(schemaOf(info.schema).toString());
  expect(rowsOf(whole.batches)).toHaveLength(expectedPairs('nearest').length);
});

test('the position columns of a stored left table are those it was stored with', async () => {
  const swapped = catalog(left).select(['ra', 'dec', 'id']);
  const named = new Table({ x: swapped.getChild('ra')!, y: swapped.getChild('dec')! });
  await putTable(client, 'named', named, { ra: 'x', dec: 'y' });
  const answer = await getRows(client, { left: 'named', right: 'right', ...rowNumbers, find: 'all' });
  expect(pairsOf(answer)).toEqual(expectedPairs('all'));
  await act(client, 'delete-table', { table: 'named' });
});

test('the table of an exchange is matched with a stored one', async () => {
  const command = byCommand({ right: 'right', ...rowNumbers, find: 'all' });
  expect(pairsOf(await exchangeMessages(client, tableMessages(catalog(left), command, undefined, 7)))).toEqual(
    expectedPairs('all'),
  );
  const path = tableMessages(catalog(left), byPath('right'), { ...rowNumbers, events: true, request_id: 'exchange-1' });
  const answer = await exchangeMessages(client, path);
  expect(pairsOf(answer)).toEqual(expectedPairs('nearest'));
  const summary = { requestId: 'exchange-1', left: { rowCount: '150' }, right: { rowCount: '170' } };
  expect(answer.events.at(-1)).toMatchObject({ summary });
  expect(await act(client, 'get-result', { request_id: 'exchange-1', rejected_limit: 3 })).toMatchObject({ summary });
});

test('progress comes between the rows, when it is asked for', async () => {
  const table = denseSky(300_000);
  await putTable(client, 'dense', table);
  const ticket = { left: 'dense', right: 'dense', radius_arcsec: 40, find: 'all', events: true };
  const { events } = await getRows(client, { ...ticket, columns: 'separation_arcsec' });
  expect(events.slice(0, -1).every((event) => 'progress' in event)).toBe(true);
  expect(events.length).toBeGreaterThan(1);
  await act(client, 'delete-table', { table: 'dense' });
}, 60_000);

test('a table is matched with itself, stored or sent', async () => {
  const options = { radius_arcsec: 12, self_match: 'pairs', columns: ['left_row', 'right_row'] };
  const stored = await getRows(client, { left: 'left', ...options });
  const sent = await exchangeMessages(client, tableMessages(catalog(left), byCommand(options)));
  expect(pairsOf(sent)).toEqual(pairsOf(stored));
  expect(pairsOf(sent).length).toBeGreaterThan(0);
});

test('actions: listed, and each gives a JSON object', async () => {
  const types: string[] = [];
  for await (const { type, description } of readFrames<FlightActionType>(client.listActions({}))) {
    types.push(type);
    expect(description).toContain('{');
  }
  expect(types).toEqual(['delete-table', 'explain', 'get-result', 'list-tables']);
  const plan = await act(client, 'explain', { radius: '1arcsec', left_row_count: 1e6, right_row_count: 1e6 });
  expect(Number(plan.plannedBytes)).toBeGreaterThan(1e6);
  expect(await act(client, 'list-tables')).toMatchObject({ tables: [{ name: 'left' }, { name: 'right' }] });
});

test('calls carry the request id and count for the metrics as others do', async () => {
  const call = client.doGet({ ticket: Buffer.from('{"table":"left"}') }, callMetadata({ requestId: 'flight-7' }));
  const headers = new Promise<unknown>((resolve) =>
    call.once('metadata', (metadata) => resolve(metadata.get('x-request-id'))),
  );
  for await (const _ of readFrames(call));
  expect(await headers).toEqual(['flight-7']);
  expect(server.activeCallCount).toBe(0);
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
});

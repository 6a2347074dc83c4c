import { Runtime } from '@armilla/gpu-core';
import type { RunningServer } from '@armilla/chassis';
import { rowsOf, tableOf } from '../../testing/memory-table.js';
import {
  byCommand,
  byPath,
  connectFlight,
  exchangeMessages,
  type FlightClient,
  getRows,
  putMessages,
  putTable,
  tableMessages,
} from '../testing/flight-client.js';
import { catalog, left, problemOf, right, startService } from '../testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  const served = await startService(runtime, { memoryLimitBytes: 2 ** 27, tableQuotaBytes: 2 ** 34 });
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

const provenanceOf = ({ schema }: { schema: { metadata: Map<string, string> } }): Record<string, unknown> =>
  JSON.parse(schema.metadata.get('armilla.provenance') as string) as Record<string, unknown>;

test('a match says where it comes from in its schema, of stored tables and of one that is sent', async () => {
  const options = { radius_arcsec: 12, find: 'all' };
  expect(provenanceOf(await getRows(client, { left: 'left', right: 'right', ...options }))).toMatchObject({
    operation: 'crossmatch',
    options: { radius_arcsec: 12, find: 'all' },
    inputs: [
      { table: 'left', name: 'table:left', content_digest: expect.any(String), row_count: 150 },
      { table: 'right', name: 'table:right', content_digest: expect.any(String), row_count: 170 },
    ],
  });
  const sent = tableMessages(catalog(left), byCommand({ right: 'right', ...options }));
  expect(provenanceOf(await exchangeMessages(client, sent))).toMatchObject({
    inputs: [
      { table: 'left', name: 'left table' },
      { table: 'right', name: 'table:right' },
    ],
  });
  expect(provenanceOf(await getRows(client, { left: 'left', self_match: 'pairs', radius_arcsec: 12 }))).toMatchObject({
    inputs: [{ table: 'left', name: 'table:left' }],
  });
});

test('what is asked of a stored left table counts: its condition, trust, recentering', async () => {
  const options = { left: 'left', right: 'right', radius_arcsec: 12, order: 'left', columns: ['left_row'] };
  const all = rowsOf((await getRows(client, options)).batches).map(({ left_row }) => left_row as number);
  const some = rowsOf((await getRows(client, { ...options, left_where: 'id < 75' })).batches);
  expect(some.map(({ left_row }) => left_row)).toEqual(all.filter((row) => row < 75));
  expect(some.length).toBeLessThan(all.length);
  const { events } = await getRows(client, { ...options, assess: true, recenter: true, events: true });
  expect(events.at(-1)).toMatchObject({
    summary: {
      trust: { sampleRowCount: expect.any(String) },
      recentering: { turnArcsec: [expect.any(Number), expect.any(Number), expect.any(Number)] },
    },
  });
  const sent = tableMessages(catalog(left), byCommand({ right: 'right', radius_arcsec: 12, recenter: true }));
  const problem = await problemOf(exchangeMessages(client, sent));
  expect([problem.reason, problem.message]).toEqual([
    'OPTIONS_CONFLICT',
    expect.stringMatching(/name of a stored table/),
  ]);
});

test('a batch that does not fit the memory is refused when its length has come', async () => {
  const values = new Float64Array(6 * 2 ** 20);
  const table = tableOf({ ra: values, dec: values });
  // 96 MiB in one message fit the 128 MiB that all calls may have; as much again does not.
  const [schema, batch] = [...tableMessages(table, byPath('wide'), undefined, table.numRows)];
  expect((await problemOf(putMessages(client, [schema, batch, batch]))).reason).toBe('MEMORY_OVER_LIMIT');
  while (server.admission.stats().running > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(server.admission.stats().reservedBytes).toBe(0);
}, 60_000);

import type { RunningServer } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { PROVENANCE_KEY } from '@armilla/tables';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import type { RecordBatch } from 'apache-arrow';
import { matchTables, type TablesOptions } from '../../index.js';
import { memoryTable, rowsOf } from '../../testing/memory-table.js';
import { awkwardSky } from '../../testing/sky.js';
import {
  act,
  byCommand,
  connectFlight,
  type FlightClient,
  getRows,
  infoOf,
  putTable,
  schemaOf,
} from '../testing/flight-client.js';
import { catalog, problemOf, startService } from '../testing/served.js';

const tables = [41, 42, 43].map((seed) => catalog(awkwardSky(seed, 100)));
const NAMES = ['a', 'b', 'c'];
let runtime: Runtime;
let server: RunningServer;
let close: () => void;
let flight: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  const served = await startService(runtime);
  ({ server } = served);
  close = () => served.client.close();
  flight = connectFlight(server.address);
  for (const [k, table] of tables.entries()) await putTable(flight, NAMES[k], table);
});
afterAll(async () => {
  flight.close();
  close();
  await server.stop(0);
  await runtime.close();
});

async function here(options: Partial<TablesOptions>): Promise<Record<string, unknown>[]> {
  const readers = tables.map((table) => memoryTable(table));
  const batches: RecordBatch[] = [];
  for await (const batch of await matchTables(readers, { radiusArcsec: 60, ...options }, { runtime }))
    batches.push(batch);
  return rowsOf(batches);
}

test.each<[string, object, Partial<TablesOptions>]>([
  ['pairs', {}, {}],
  [
    'groups',
    { multi: 'groups', join: 'full', columns: ['1.id', '2.*', 'group_id'] },
    { multi: 'groups', join: 'full', columns: ['1.id', '2.*', 'group_id'] },
  ],
  [
    'probabilities',
    {
      probabilities: true,
      acceptable_ratio: 0.4,
      '1.error': '1arcsec',
      '2.error': '1arcsec',
      '3.error': '1arcsec',
      '2.sky_area': 1,
      '3.sky_area': 'full',
      '2.completeness': 0.9,
    },
    {
      probabilities: { acceptableRatio: 0.4 },
      tables: [
        { error: '1arcsec' },
        { error: '1arcsec', skyAreaSquareDegrees: 1, completeness: 0.9 },
        { error: '1arcsec', skyAreaSquareDegrees: WHOLE_SKY_SQUARE_DEGREES },
      ],
    },
  ],
])(
  '%s of stored tables: the rows of the library, by a ticket and by what GetFlightInfo says',
  async (_, options, same) => {
    const command = { tables: NAMES, radius: '1arcmin', ...options };
    const { schema, batches } = await getRows(flight, command);
    const expected = await here(same);
    expect(expected.length).toBeGreaterThan(5);
    expect(rowsOf(batches)).toEqual(expected);
    const { inputs } = JSON.parse(String(schema.metadata.get(PROVENANCE_KEY))) as { inputs: object[] };
    expect(inputs).toMatchObject(NAMES.map((name, k) => ({ table: k + 1, name: `table:${name}` })));
    const info = await infoOf(flight, byCommand(command));
    expect(schemaOf(info.schema).fields.map(String)).toEqual(schema.fields.map(String));
    expect(info.ordered).toBe(true);
    const again = await getRows(flight, JSON.parse(String(Buffer.from(info.endpoint[0].ticket!.ticket))));
    expect(rowsOf(again.batches)).toEqual(expected);
  },
);

test('the summary comes as an event, and stays with the server', async () => {
  const command = { tables: NAMES, radius_arcsec: 60, events: true, request_id: 'flight-tables' };
  const { events } = await getRows(flight, command);
  expect(events.at(-1)).toMatchObject({ summary: { tables: [{ rowCount: '100' }, {}, {}] } });
  const result = await act(flight, 'get-result', { request_id: 'flight-tables' });
  expect(result).toMatchObject({ tablesSummary: { requestId: 'flight-tables' } });
});

test.each<[string, object]>([
  ['OPTION_INVALID', { tables: ['a'], radius: 1 }],
  ['OPTION_INVALID', { tables: Array.from({ length: 11 }, () => 'a'), radius: 1 }],
  ['OPTION_INVALID', { tables: [], radius: 1 }],
  ['OPTION_INVALID', { tables: 7, radius: 1 }],
  ['OPTION_INVALID', { tables: NAMES }],
  ['HANDLE_NOT_FOUND', { tables: ['a', 'nowhere'], radius: 1 }],
  ['OPTION_UNKNOWN', { tables: NAMES, radius: 1, find: 'all' }],
  ['OPTION_UNKNOWN', { tables: NAMES, radius: 1, '4.error': '1arcsec' }],
  ['OPTIONS_CONFLICT', { tables: NAMES, radius: 1, '2.epoch': 'J2000' }],
  ['OPTIONS_CONFLICT', { tables: NAMES, radius: 1, completeness: 0.5 }],
  ['OPTION_INVALID', { tables: NAMES, radius: 1, multi: 'triples' }],
  ['COLUMN_NOT_FOUND', { tables: NAMES, radius: 1, columns: ['3.nothing'] }],
])('%s: %j', async (reason, command) => {
  expect((await problemOf(getRows(flight, command))).reason).toBe(reason);
  expect((await problemOf(infoOf(flight, byCommand(command)))).reason).toBe(reason);
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
});

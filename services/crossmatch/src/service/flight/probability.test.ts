import type { RunningServer } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { Find } from '@armilla/proto';
import { crossmatch, type MatchOptions } from '../../index.js';
import { memoryTable, rowsOf } from '../../testing/memory-table.js';
import { connectFlight, type FlightClient, getRows, putTable } from '../testing/flight-client.js';
import { catalog, left, match, problemOf, right, startService } from '../testing/served.js';

let runtime: Runtime;
let served: Awaited<ReturnType<typeof startService>>;
let server: RunningServer;
let flight: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  served = await startService(runtime);
  ({ server } = served);
  flight = connectFlight(server.address);
});
afterAll(async () => {
  flight.close();
  served.client.close();
  await server.stop(0);
  await runtime.close();
});

const columns = ['left_row', 'right_row', 'dist_post', 'bias_id', 'p_single', 'p_any', 'p_i', 'match_flag'];
const prior = 'id=0 50 0.2 0.1; 50 1000 0.01 0.02';

async function byLibrary(options: Partial<MatchOptions>): Promise<Record<string, unknown>[]> {
  const all: MatchOptions = {
    radiusArcsec: 12,
    columns,
    join: 'left',
    left: { error: '3arcsec' },
    right: { error: '2000mas' },
    ...options,
  };
  const batches = [];
  const stream = await crossmatch(memoryTable(catalog(left)), memoryTable(catalog(right)), all, { runtime });
  for await (const batch of stream) batches.push(batch);
  return rowsOf(batches);
}

const byRow = (rows: Record<string, unknown>[]): Record<string, unknown>[] =>
  [...rows].sort((a, b) => Number(a.left_row) - Number(b.left_row) || Number(a.right_row) - Number(b.right_row));

test('probabilities over gRPC and Flight are those of the library', async () => {
  const probabilities = {
    rightAreaSquareDegrees: 4,
    completeness: 0.75,
    acceptableRatio: 0.25,
    magnitudePriors: [prior],
  };
  const expected = byRow(await byLibrary({ probabilities }));
  expect(new Set(expected.map((row) => row.match_flag)).size).toBeGreaterThan(2);

  const { batches } = await match(served.client, {
    options: {
      columns,
      join: 2,
      find: Find.UNSPECIFIED,
      probabilities,
      left: { error: '3arcsec' } as never,
      right: { error: '2arcsec' } as never,
    },
  });
  expect(byRow(rowsOf(batches))).toEqual(expected);

  const unsaid = { ...probabilities, rightAreaSquareDegrees: 0 };
  expect(await problemOf(match(served.client, { options: { probabilities: unsaid } }))).toMatchObject({
    reason: 'OPTION_INVALID',
    fields: { field: 'right_sky_area', got: 'nothing' },
  });

  await putTable(flight, 'left', catalog(left));
  await putTable(flight, 'right', catalog(right));
  const ask = {
    left: 'left',
    right: 'right',
    radius: 12,
    columns,
    join: 'left',
    probabilities: true,
    right_sky_area: 4,
    completeness: 0.75,
    acceptable_ratio: 0.25,
    magnitude_prior: [prior],
    left_error: '3arcsec',
    right_error: '2arcsec',
  };
  expect(byRow(rowsOf((await getRows(flight, ask)).batches))).toEqual(expected);

  const { right_sky_area: _, ...without } = ask;
  expect(await problemOf(getRows(flight, without))).toMatchObject({
    reason: 'OPTION_INVALID',
    message: expect.stringContaining('right_sky_area'),
    fields: { got: 'nothing' },
  });
  for (const area of [true, 'half', '', [4]])
    expect((await problemOf(getRows(flight, { ...ask, right_sky_area: area }))).reason).toBe('OPTION_INVALID');
  const whole = await getRows(flight, { ...ask, right_sky_area: 'full' });
  expect(rowsOf(whole.batches)).toHaveLength(expected.length);
  const { probabilities: __, ...unasked } = ask;
  expect((await problemOf(getRows(flight, unasked))).reason).toBe('OPTIONS_CONFLICT');
  // A stored left table can be read twice, so that a prior can be measured on it.
  const measured = await getRows(flight, { ...ask, magnitude_prior: ['id=auto'] });
  expect(rowsOf(measured.batches)).toHaveLength(expected.length);
});

test('without probabilities the area is nobody asked for', async () => {
  const { batches } = await match(served.client, { options: { probabilities: undefined } });
  expect(batches[0].schema.fields.map(({ name }) => name)).not.toContain('p_any');
});

import { constants } from 'node:http2';
import { type FlightMessage, type RunningServer, writeFrame } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import {
  byCommand,
  byPath,
  connectFlight,
  type FlightClient,
  flights,
  putTable,
  receiveRows,
  sendMessages,
  tableMessages,
} from '../testing/flight-client.js';
import { grpcBytes, rawPut } from '../testing/raw-upload.js';
import { catalog, denseSky, left, problemOf, right, startService } from '../testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: FlightClient;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  const served = await startService(runtime);
  served.client.close();
  server = served.server;
  client = connectFlight(server.address);
  await putTable(client, 'right', catalog(right));
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The calls end, give their memory back, and nothing was stored of them. */
async function allIsGivenBack(): Promise<void> {
  while (server.activeCallCount > 0 || server.admission.stats().running > 0) await wait(10);
  expect(server.admission.stats()).toMatchObject({ running: 0, reservedBytes: 0 });
  expect((await flights(client)).map((flight) => flight.flightDescriptor?.path[0])).toEqual(['right']);
}

const whole = Buffer.concat([...tableMessages(catalog(left), byPath('cut'), undefined, 20)].map(grpcBytes));

test('the same bytes, whole, are a table', async () => {
  const { stream, status } = rawPut(server.address);
  stream.end(whole);
  expect(await status).toMatchObject({ code: '0' });
  await Promise.all((await flights(client, 'cut')).map(async () => deleteTable('cut')));
  await allIsGivenBack();
});

const deleteTable = async (name: string): Promise<void> => {
  for await (const _ of client.doAction({ type: 'delete-table', body: Buffer.from(JSON.stringify({ table: name })) }));
};

test.each([3, 40, 700, 2000, whole.length - 1])('an upload that ends after %d bytes is no table', async (length) => {
  const { stream, status } = rawPut(server.address);
  stream.end(whole.subarray(0, length));
  const { code, message } = await status;
  expect(code).toBe('3');
  expect(message).toMatch(/\[(STREAM_ORDER|ARROW_TRUNCATED)\]$/);
  await allIsGivenBack();
});

test.each<[string, (stream: ReturnType<typeof rawPut>['stream']) => void]>([
  ['is reset', (stream) => stream.close(constants.NGHTTP2_CANCEL)],
  ['is reset without an error', (stream) => stream.close(constants.NGHTTP2_NO_ERROR)],
  ['loses its connection', (stream) => stream.session?.destroy()],
])('an upload whose messages are whole and that %s is no table', async (_, cut) => {
  for (let round = 0; round < 10; round++) {
    const { stream, status } = rawPut(server.address);
    stream.write(whole, () => setTimeout(() => cut(stream), round));
    expect((await status).code).not.toBe('0');
    await allIsGivenBack();
  }
});

test('a client that vanishes while it reads a match stops the work', async () => {
  const dense = denseSky(500_000);
  const call = client.doExchange();
  let flowing = (): void => undefined;
  const flows = new Promise<void>((resolve) => (flowing = resolve));
  const answer = problemOf(receiveRows(call, () => flowing()));
  const command = byCommand({ self_match: 'pairs', radius_arcsec: 60, columns: 'separation_arcsec' });
  void sendMessages(call, tableMessages(dense, command, undefined, 50_000));
  await flows;
  call.cancel();
  expect((await answer).reason).toBe('CANCELLED');
  await allIsGivenBack();
  const before = runtime.stats().cellsDone;
  await wait(300);
  expect(runtime.stats().cellsDone).toBe(before);
});

test('a client that vanishes while it sends gives its memory back', async () => {
  const call = client.doExchange();
  const answer = problemOf(receiveRows(call));
  const command = byCommand({ right: 'right', radius_arcsec: 60, find: 'one-to-one' });
  const messages: FlightMessage[] = [...tableMessages(catalog(left), command, undefined, 20)];
  for (const message of messages.slice(0, 4)) await writeFrame(call, message);
  await wait(100);
  call.cancel();
  expect((await answer).reason).toBe('CANCELLED');
  await allIsGivenBack();
});

test('a reader that stops in a download of a stored table holds it no longer than its call', async () => {
  await putTable(client, 'dense', denseSky(500_000));
  const call = client.doGet({ ticket: Buffer.from('{"table": "dense"}') });
  call.on('error', () => undefined);
  await new Promise((resolve) => call.once('data', resolve));
  call.pause();
  await deleteTable('dense');
  expect(server.activeCallCount).toBe(1);
  call.cancel();
  await allIsGivenBack();
});

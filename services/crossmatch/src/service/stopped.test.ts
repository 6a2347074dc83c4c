import { callMetadata, connect, type Frame, type RunningServer } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { CrossmatchServiceService, Find } from '@armilla/proto';
import { receive, requestFrame, send, tableFrames } from './testing/client.js';
import { type Client, denseSky, problemOf, startService } from './testing/served.js';

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
  for (let n = 0; n < 100 && (server.activeCallCount > 0 || server.admission.stats().running > 0); n++) await wait(30);
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

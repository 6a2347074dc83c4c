import { connect as connectHttp2 } from 'node:http2';
import { fail, type Problem } from '@armilla/base';
import { ExplainResponse, HealthService, ServingStatus } from '@armilla/proto';
import { callMetadata, callOnce, connect, type Frame, makeFrame, readFrames, writeFrame } from '../index.js';
import { collect, NAME, problemOf, startLoopback, until } from '../testing/loopback.js';
import { rawUnary } from '../testing/raw-unary.js';

test('a unary call is answered', async () => {
  const { explain, stop } = await startLoopback({
    explain: async () => ExplainResponse.fromPartial({ cellCount: 42n }),
  });
  expect((await explain()).cellCount).toBe(42n);
  await stop();
});

test('frames come back as they were sent', async () => {
  const { client, stop } = await startLoopback({});
  const call = client.match();
  const sent = Array.from({ length: 40 }, (_, i) =>
    makeFrame({ header: Buffer.from('head'), table: i % 2, body: [Buffer.alloc(100_000, i), Buffer.alloc(8, 1)] }),
  );
  const received = collect(readFrames<Frame>(call));
  for (const frame of sent) await writeFrame(call, frame);
  call.end();
  const frames = await received;
  expect(frames.length).toBe(40);
  frames.forEach((frame, i) => {
    expect(Buffer.concat(frame.body).equals(Buffer.concat(sent[i].body))).toBe(true);
    expect(frame.body[0].byteOffset % 8).toBe(0);
    expect(frame.table).toBe(i % 2);
  });
  await stop();
});

test('whatever a handler throws becomes a typed status with request id and trace id', async () => {
  const { explain, stop, lines } = await startLoopback({
    explain: async () => {
      throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: -1 });
    },
    match: () => {
      throw new Error('secret /path/of/a/file');
    },
  });
  const problem = await problemOf(explain({ requestId: 'my-call' }));
  expect(problem.reason).toBe('RADIUS_OUT_OF_RANGE');
  expect(problem.fields).toMatchObject({ field: 'radius_arcsec', got: '-1', request_id: 'my-call' });
  expect(problem.fields.trace_id).toMatch(/^[0-9a-f]{32}$/);
  await stop();
  expect(lines.join('')).toContain('"serving"');
});

test('an unexpected error keeps its text in the log', async () => {
  const { client, stop, lines } = await startLoopback({
    match: async function* () {
      yield makeFrame({ metadata: Buffer.from('first') });
      throw new Error('secret /path/of/a/file');
    },
  });
  const call = client.match(callMetadata({ requestId: 'call-7' }));
  const problem = await problemOf(collect(readFrames<Frame>(call)));
  expect(problem.reason).toBe('INTERNAL');
  expect(problem.message).toContain('call-7');
  expect(problem.message).not.toContain('secret');
  expect(lines.find((line) => line.includes('secret'))).toContain('call-7');
  await stop();
});

test('cancel, disconnect and deadline reach the handler with their reasons', async () => {
  const ended: string[] = [];
  let running = (): void => undefined;
  const { explain, stop, server } = await startLoopback({
    explain: (_, { signal }) =>
      new Promise((_, reject) => {
        running();
        signal.addEventListener('abort', () => {
          ended.push((signal.reason as Problem).reason);
          reject(signal.reason as Error);
        });
      }),
  });
  const abort = new AbortController();
  const started = new Promise<void>((resolve) => (running = resolve));
  const cancelled = problemOf(explain({ signal: abort.signal }));
  await started;
  abort.abort();
  expect((await cancelled).reason).toBe('CANCELLED');
  // By a client that leaves it to the server: grpc-js would cancel the call at the same moment.
  const timedOut = await rawUnary(server.address, 'Explain', Buffer.alloc(5), { 'grpc-timeout': '150m' });
  expect(timedOut['grpc-status']).toBe('4');
  const second = new Promise<void>((resolve) => (running = resolve));
  const session = connectHttp2(`http://${server.address}`);
  const raw = session.request({
    ':method': 'POST',
    ':path': `/${NAME}/Explain`,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  raw.on('error', () => undefined);
  raw.end(Buffer.alloc(5));
  await second;
  session.destroy();
  await until(() => ended.length === 3 && server.activeCallCount === 0);
  expect(ended).toEqual(['CANCELLED', 'DEADLINE_EXCEEDED', 'CANCELLED']);
  await stop();
});

test('the deadline of a client is its own error', async () => {
  const { explain, stop } = await startLoopback({ explain: () => new Promise(() => undefined) });
  expect((await problemOf(explain({ deadlineMs: Date.now() + 100 }))).reason).toBe('DEADLINE_EXCEEDED');
  await stop();
});

test('the server has its own deadline for calls that bring none', async () => {
  const { explain, stop } = await startLoopback(
    { explain: () => new Promise(() => undefined) },
    { defaultDeadlineSeconds: 1 },
  );
  expect((await problemOf(explain())).reason).toBe('DEADLINE_EXCEEDED');
  await stop();
});

test('health answers by service, and NOT_SERVING ends the watch at the stop', async () => {
  const { server, stop } = await startLoopback({});
  const health = connect(HealthService, server.address);
  const check = (service: string) =>
    callOnce<{ status: ServingStatus }>((...rest) => health.check({ service }, ...rest));
  expect((await check('')).status).toBe(ServingStatus.SERVING);
  expect((await check(NAME)).status).toBe(ServingStatus.SERVING);
  expect((await problemOf(check('nobody'))).reason).toBe('SERVICE_UNKNOWN');
  const watch = health.watch({ service: NAME });
  const seen: ServingStatus[] = [];
  watch.on('data', (message: { status: ServingStatus }) => seen.push(message.status));
  const ended = new Promise((resolve) => watch.on('end', resolve));
  await new Promise((resolve) => watch.once('data', resolve));
  await server.stop();
  await ended;
  expect(seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  health.close();
  await stop();
});

test('a stop lets running calls finish, and ends them after the grace', async () => {
  let finish = (): void => undefined;
  const { explain, server, stop, client } = await startLoopback({
    explain: (_, { signal }) =>
      new Promise((resolve, reject) => {
        finish = () => resolve(ExplainResponse.fromPartial({}));
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  });
  const first = explain();
  await until(() => server.activeCallCount === 1);
  const stopping = server.stop(5000);
  setTimeout(finish, 100);
  expect(await first).toBeDefined();
  client.close();
  await stopping;
  await stop();

  const other = await startLoopback({ explain: () => new Promise(() => undefined) });
  const stuck = problemOf(other.explain());
  await until(() => other.server.activeCallCount === 1);
  await other.server.stop(100);
  expect((await stuck).reason).toBe('DRAINING');
  await other.stop();
});

test('a method that is not there is UNIMPLEMENTED', async () => {
  const { client, stop } = await startLoopback({});
  const problem = await problemOf(callOnce((...rest) => client.getTable({ name: 'x' }, ...rest)));
  expect(problem.reason).toBe('METHOD_NOT_ALLOWED');
  expect(problem.code).toBe('UNIMPLEMENTED');
  expect(problem.fields.request_id).toBeDefined();
  expect(problem.message).toContain('does not implement');
  await stop();
});

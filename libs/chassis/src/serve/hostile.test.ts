import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { Worker } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';
import { availableParallelism } from 'node:os';
import { Random } from '@armilla/base';
import { HealthService, ServingStatus } from '@armilla/proto';
import { callOnce, connect, type Frame, makeFrame, readFrames, writeFrame } from '../index.js';
import { NAME, pause, problemOf, startLoopback, until } from '../testing/loopback.js';

const headersFor = (path: string): Record<string, string> => ({
  ':method': 'POST',
  ':path': path,
  'content-type': 'application/grpc',
  te: 'trailers',
});

function open(address: string): ClientHttp2Session {
  const session = connectHttp2(`http://${address}`);
  session.on('error', () => undefined);
  return session;
}

test('random bytes, wrong paths, missing messages and resets leave a server that answers', async () => {
  const random = new Random(10);
  const { server, explain, stop } = await startLoopback({}, { max_message_bytes: '2MiB' });
  const paths = [
    `/${NAME}/Explain`,
    `/${NAME}/Match`,
    `/${NAME}/Put`,
    `/${NAME}/Nothing`,
    '/x',
    '/',
    '/grpc.health.v1.Health/Check',
  ];
  for (let round = 0; round < 5; round++) {
    const session = open(server.address);
    const ends = Array.from(
      { length: 60 },
      () =>
        new Promise<void>((resolve) => {
          const headers = headersFor(paths[random.below(paths.length)]);
          if (random.below(8) === 0) headers['content-type'] = 'text/plain';
          if (random.below(8) === 0) headers['grpc-timeout'] = ['1m', 'x', '-5S', '99999999H', '0n'][random.below(5)];
          if (random.below(8) === 0) headers['grpc-encoding'] = ['gzip', 'snappy'][random.below(2)];
          const stream = session.request(headers);
          stream
            .on('error', () => undefined)
            .on('close', resolve)
            .resume();
          const body = Buffer.from(Uint8Array.from({ length: random.below(200) }, () => random.below(256)));
          if (random.below(2) && body.length > 5) body.writeUIntBE(random.below(2) ? body.length - 5 : 2 ** 31, 0, 5);
          stream.write(body);
          const how = random.below(3);
          if (how === 0) stream.close(constants.NGHTTP2_CANCEL);
          else if (how === 1) setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 100);
          stream.end();
        }),
    );
    await Promise.all(ends);
    session.destroy();
  }
  const garbage = connectTcp(server.port, '127.0.0.1');
  garbage.on('error', () => undefined).on('connect', () => garbage.end('GET / HTTP/1.1\r\n\r\n'));
  await new Promise((resolve) => garbage.on('close', resolve).resume());
  expect(await explain()).toBeDefined();
  await until(() => server.activeCallCount === 0);
  await stop();
});

test('a message that unpacks to more than the limit is refused', async () => {
  const { server, explain, stop } = await startLoopback();
  const packed = gzipSync(Buffer.alloc(200 * 2 ** 20));
  const prefix = Buffer.alloc(5);
  prefix[0] = 1;
  prefix.writeUInt32BE(packed.length, 1);
  const session = open(server.address);
  const stream = session.request({ ...headersFor(`/${NAME}/Explain`), 'grpc-encoding': 'gzip' });
  const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers['grpc-status'])));
  stream.resume().end(Buffer.concat([prefix, packed]));
  expect(await status).toBe('8');
  session.destroy();
  expect(await explain()).toBeDefined();
  await stop();
});

test('300 clients that vanish in mid-stream leave no call behind', async () => {
  let aborted = 0;
  const { client, server, stop } = await startLoopback({
    async *match(_, { signal }) {
      signal.addEventListener('abort', () => aborted++);
      while (!signal.aborted) {
        yield makeFrame({ header: Buffer.from('h'), body: [Buffer.alloc(10_000)] });
        await pause(1);
      }
    },
  });
  const one = async (): Promise<void> => {
    const call = client.match();
    for await (const _ of readFrames<Frame>(call)) break;
    call.cancel();
  };
  for (let n = 0; n < 10; n++) await Promise.all(Array.from({ length: 30 }, one));
  await until(() => aborted === 300 && server.activeCallCount === 0);
  await stop();
});

test('a killed connection ends the client with UNAVAILABLE, not with a short result', async () => {
  const { client, server, stop } = await startLoopback({
    async *match(frames) {
      yield makeFrame({ header: Buffer.from('h') });
      for await (const _ of frames) yield makeFrame();
    },
  });
  const call = client.match();
  const reading = problemOf(
    (async () => {
      for await (const _ of readFrames<Frame>(call));
    })(),
  );
  await writeFrame(call, makeFrame());
  await server.stop(0);
  expect(['SERVER_UNAVAILABLE', 'DRAINING']).toContain((await reading).reason);
  await stop();
});

test('health answers while every core computes', async () => {
  const { server, stop } = await startLoopback();
  const health = connect(HealthService, server.address);
  const check = () => callOnce<{ status: ServingStatus }>((...rest) => health.check({ service: '' }, ...rest));
  await check();
  const workers = Array.from({ length: availableParallelism() }, () => new Worker('for (;;);', { eval: true }));
  try {
    await pause(200);
    for (let n = 0; n < 10; n++) {
      const startedAt = performance.now();
      expect((await check()).status).toBe(ServingStatus.SERVING);
      // A hang guard of ten times the 100 ms that are asked for.
      expect(performance.now() - startedAt).toBeLessThan(1000);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  health.close();
  await stop();
});

test('connections beyond the limit are dropped, the others served', async () => {
  const { client, server, explain, stop } = await startLoopback({}, { max_connections: 1 });
  await explain();
  const session = open(server.address);
  await new Promise((resolve) => session.on('close', resolve));
  expect(await explain()).toBeDefined();
  client.close();
  await stop();
});

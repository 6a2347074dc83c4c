import { connect as connectHttp2, constants } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { fail } from '@armilla/base';
import { type Frame, makeFrame, readFrames, writeFrame } from '../index.js';
import { collect, NAME, problemOf, startLoopback, until } from '../testing/loopback.js';
import { rawRequest } from '../testing/raw-http2.js';

const MIB = 2 ** 20;

test('a service may take longer messages than the others of its server', async () => {
  const echoed = async (bodyLength: number, traits: Parameters<typeof startLoopback>[2]): Promise<number> => {
    const { client, stop } = await startLoopback(
      {
        async *match(frames) {
          for await (const frame of frames) yield makeFrame({ metadata: Buffer.from(String(frame.bodyLength)) });
        },
      },
      { max_message_bytes: '2MiB' },
      traits,
    );
    try {
      const call = client.match();
      const answer = collect(readFrames<Frame>(call));
      void writeFrame(call, makeFrame({ body: [Buffer.alloc(bodyLength)] })).then(
        () => call.end(),
        () => undefined,
      );
      return Number(String((await answer)[0].metadata));
    } finally {
      await stop();
    }
  };
  expect(await echoed(3.5 * MIB, { maxMessageBytes: () => 4 * MIB })).toBe(3.5 * MIB);
  expect((await problemOf(echoed(3.5 * MIB, {}))).reason).toBe('MESSAGE_TOO_LARGE');
  expect((await problemOf(echoed(3.5 * MIB, { maxMessageBytes: () => 3 * MIB }))).reason).toBe('MESSAGE_TOO_LARGE');
});

test('the reason stands in the message where a service asks for it, as JSON where the client does', async () => {
  const script = {
    explain: async () => {
      throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: '-1' });
    },
  };
  const plain = await startLoopback(script);
  expect((await problemOf(plain.explain())).message).toMatch(/got -1$/);
  await plain.stop();
  const told = await startLoopback(script, {}, { reasonInMessage: true });
  expect(await problemOf(told.explain())).toMatchObject({
    reason: 'RADIUS_OUT_OF_RANGE',
    message: expect.stringMatching(/got -1 \[RADIUS_OUT_OF_RANGE\]$/),
  });
  const metadata = new Metadata();
  metadata.set('armilla-errors', 'json');
  expect(JSON.parse((await problemOf(told.explain({ metadata, requestId: 'r-1' }))).message)).toMatchObject({
    reason: 'RADIUS_OUT_OF_RANGE',
    message: expect.stringMatching(/got -1$/),
    fields: { field: 'radius_arcsec', got: '-1', request_id: 'r-1' },
  });
  await told.stop();
});

test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_NO_ERROR])(
  'a request stream that is reset with code %d never ends as a whole one',
  async (code) => {
    const ends: string[] = [];
    const { server, stop } = await startLoopback({
      async put(frames, { signal }) {
        try {
          for await (const _ of frames);
          ends.push('whole');
        } catch {
          ends.push('cut');
        }
        signal.throwIfAborted();
        return { table: undefined };
      },
    });
    for (let round = 1; round <= 20; round++) {
      const request = rawRequest(server.address, `/${NAME}/Put`);
      // An empty message, whole.
      request.send(Buffer.alloc(5));
      setTimeout(() => request.reset(code), 10 * (round % 4));
      await until(() => ends.length === round && server.activeCallCount === 0);
      request.socket.destroy();
    }
    expect(new Set(ends)).toEqual(new Set(['cut']));
    await stop();
  },
);

test('a request stream that ends within a message is refused', async () => {
  const { client, server, stop } = await startLoopback();
  client.close();
  for (const body of [Buffer.alloc(3), Buffer.from([0, 0, 0, 0, 9, 1, 2])]) {
    const session = connectHttp2(`http://${server.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${NAME}/Match`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const status = new Promise((resolve) => {
      const done = (headers: Record<string, unknown>): void => {
        if (headers['grpc-status'] !== undefined) resolve(headers['grpc-message']);
      };
      stream.on('response', done).on('trailers', done).resume();
    });
    stream.end(body);
    expect(decodeURI(String(await status))).toContain('ends within a message');
    session.close();
  }
  await stop();
});

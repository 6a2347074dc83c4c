import { connect as connectHttp2, type Http2Session } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { fail, Random } from '@armilla/base';
import {
  callMetadata,
  callOnce,
  cutMessage,
  type Frame,
  FrameAssembler,
  makeFrame,
  readFrames,
  sealFrame,
  writeFrame,
} from '../index.js';
import { collect, pause, problemOf, startLoopback, until } from '../testing/loopback.js';
import { rawUnary } from '../testing/raw-unary.js';
import { RECEIVE_WINDOW_BYTES } from './window.js';

const MIB = 2 ** 20;
const big = (): Frame => makeFrame({ header: Buffer.alloc(64, 1), body: [Buffer.alloc(MIB, 7)] });

test('both ends stream a message of 24 MB at once without a stop, byte for byte', async () => {
  const { client, stop } = await startLoopback();
  const random = new Random(8);
  // A prime length, so that no two frames are alike.
  const block = Uint8Array.from({ length: 100_003 }, () => random.below(256));
  const body = Buffer.alloc(24_000_000, block);
  const call = client.match();
  const assembler = new FrameAssembler();
  const received = (async () => {
    for await (const frame of readFrames<Frame>(call)) {
      const done = assembler.push(frame);
      if (done) return Buffer.concat(done.message.body);
    }
    throw new Error('no message came');
  })();
  for (const frame of cutMessage({ header: Buffer.alloc(100), body: [body], bodyLength: body.length }, 1, {
    crc: true,
  }))
    await writeFrame(call, frame);
  call.end();
  expect((await received).equals(body)).toBe(true);
  await stop();
});

test('the windows that a client sees are 1 MiB, of the connection and of streams', async () => {
  const { server, stop } = await startLoopback();
  const session: Http2Session = connectHttp2(`http://${server.address}`);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  expect(session.remoteSettings.initialWindowSize).toBe(RECEIVE_WINDOW_BYTES);
  await until(() => session.state.remoteWindowSize === RECEIVE_WINDOW_BYTES);
  expect(session.remoteSettings.maxConcurrentStreams).toBe(128);
  session.close();
  await stop();
});

test('a reader that stops holds back the sender: a few frames are under way, not the result', async () => {
  let sent = 0;
  const { client, stop } = await startLoopback({
    async *match(_, { signal }) {
      while (!signal.aborted) {
        yield big();
        sent++;
      }
    },
  });
  const call = client.match();
  call.on('error', () => undefined);
  const reader = readFrames<Frame>(call)[Symbol.asyncIterator]();
  await reader.next();
  for (let before = -1; before !== sent && sent < 100;) {
    before = sent;
    await pause(400);
  }
  expect(sent).toBeLessThan(16);
  call.cancel();
  await stop();
});

test('a writer is not kept waiting by a dead reader', async () => {
  const { client, stop } = await startLoopback({
    async *match() {
      await new Promise(() => undefined);
      yield makeFrame();
    },
  });
  const call = client.match();
  const abort = new AbortController();
  call.on('error', () => undefined);
  const writing = problemOf(
    (async () => {
      for (;;) await writeFrame(call, big(), abort.signal);
    })(),
  );
  setTimeout(() => abort.abort(), 200);
  expect((await writing).reason).toBe('CANCELLED');
  const second = problemOf(
    (async () => {
      for (;;) await writeFrame(call, big());
    })(),
  );
  call.cancel();
  expect((await second).reason).toBe('CANCELLED');
  await stop();
});

test('a client refused in mid-upload gets the reason, though it goes on writing', async () => {
  const { client, stop } = await startLoopback({
    async put(frames) {
      for await (const _ of frames) break;
      throw fail('QUOTA_EXCEEDED', { limit: '1 GiB', used: '1 GiB', needed: '2 GiB' });
    },
  });
  let upload: Promise<void> | undefined;
  const put = callOnce((metadata, options, callback) => {
    const call = client.put(metadata, options, callback);
    upload = (async () => {
      for (;;) await writeFrame(call, big());
    })().catch(() => undefined);
    return call;
  });
  expect((await problemOf(put)).reason).toBe('QUOTA_EXCEEDED');
  await upload;
  await stop();
});

test('a failure after the first frames is never the end of a complete stream', async () => {
  const { client, stop } = await startLoopback({
    async *match() {
      yield big();
      yield big();
      throw fail('ARROW_INVALID', { where: 'left', detail: 'test' });
    },
  });
  let seen = 0;
  const problem = await problemOf(
    (async () => {
      for await (const _ of readFrames<Frame>(client.match())) seen++;
    })(),
  );
  expect(problem.reason).toBe('ARROW_INVALID');
  expect(seen).toBeLessThanOrEqual(2);
  await stop();
});

test('a damaged checksum ends the call with its reason', async () => {
  const { client, stop } = await startLoopback();
  const call = client.match(callMetadata({ requestId: 'crc-1' }));
  const frame = sealFrame(big());
  frame.crc32c = (frame.crc32c ?? 0) ^ 1;
  const answer = problemOf(collect(readFrames<Frame>(call)));
  await writeFrame(call, frame);
  expect(await answer).toMatchObject({ reason: 'CHECKSUM_MISMATCH', fields: { request_id: 'crc-1' } });
  await stop();
});

test('an oversized message and bytes that are no message are typed errors with the request id', async () => {
  const { client, server, stop } = await startLoopback({}, { maxMessageBytes: 2 * MIB });
  const call = client.match(callMetadata({ requestId: 'large-1' }));
  const answer = problemOf(collect(readFrames<Frame>(call)));
  call.write(makeFrame({ body: [Buffer.alloc(3 * MIB)] }));
  expect(await answer).toMatchObject({ reason: 'MESSAGE_TOO_LARGE', fields: { request_id: 'large-1' } });

  const trailers = await rawUnary(server.address, 'Explain', Buffer.from([0, 0, 0, 0, 3, 0x0a, 0x7f, 1]));
  expect(trailers['grpc-status']).toBe('3');
  expect(trailers['grpc-status-details-bin']).toBeDefined();
  await stop();
});

test('32 streams at once are each answered with their own bytes', async () => {
  const { client, server, stop } = await startLoopback();
  const one = async (seed: number): Promise<void> => {
    const random = new Random(seed);
    const call = client.match();
    const sent = Array.from({ length: 20 }, () => Buffer.alloc(1 + random.below(100_000), random.below(256)));
    const received = collect(readFrames<Frame>(call));
    for (const body of sent) await writeFrame(call, makeFrame({ header: Buffer.from([seed]), body: [body] }));
    call.end();
    const frames = await received;
    expect(frames.length).toBe(20);
    frames.forEach((frame, i) => {
      expect(frame.header[0]).toBe(seed);
      expect(Buffer.concat(frame.body).equals(sent[i])).toBe(true);
    });
  };
  await Promise.all(Array.from({ length: 32 }, (_, seed) => one(seed)));
  expect(server.activeCallCount).toBe(0);
  await stop();
});

test('a reader that keeps up is left alone', async () => {
  const { client, stop } = await startLoopback(
    {
      async *match() {
        for (let i = 0; i < 24; i++) yield big();
      },
    },
    { minReaderBytesPerSecond: '64KiB', readerWindowSeconds: 1 },
  );
  expect((await collect(readFrames<Frame>(client.match()))).length).toBe(24);
  await stop();
});

test('a reader below the minimum rate is ended with a reason', async () => {
  const reasons: string[] = [];
  const { client, server, lines, stop } = await startLoopback(
    {
      async *match(_, { signal }) {
        signal.addEventListener('abort', () => reasons.push((signal.reason as { reason: string }).reason));
        for (let i = 0; i < 24; i++) yield big();
      },
    },
    { minReaderBytesPerSecond: '4MiB', readerWindowSeconds: 1 },
  );
  const call = client.match();
  const problem = await problemOf(
    (async () => {
      for await (const _ of readFrames<Frame>(call)) await pause(700);
    })(),
  );
  expect(problem.reason).toBe('READER_TOO_SLOW');
  expect(reasons).toEqual(['READER_TOO_SLOW']);
  await until(() => server.activeCallCount === 0);
  expect(lines.join('')).toContain('ABORTED');
  await stop();
});

test('a client that says nothing more is not waited for without end', async () => {
  const { client, server, stop } = await startLoopback({}, { idle_seconds: 1 });
  const call = client.match();
  const answer = problemOf(collect(readFrames<Frame>(call)));
  await writeFrame(call, makeFrame({ header: Buffer.from('h') }));
  const problem = await answer;
  expect(problem.reason).toBe('DEADLINE_EXCEEDED');
  expect(problem.message).toContain('without a message');
  expect(server.activeCallCount).toBe(0);
  await stop();
});

test('a deadline too far for 32 bits of milliseconds is no deadline in the past', async () => {
  const { server, stop } = await startLoopback();
  for (const timeout of ['1000H', '99999999H', '99999999S']) {
    expect(
      (await rawUnary(server.address, 'Explain', Buffer.alloc(5), { 'grpc-timeout': timeout }))['grpc-status'],
    ).toBe('0');
  }
  await stop();
});

test('the request id stands in the response headers, as given or made', async () => {
  const { client, stop } = await startLoopback({
    async *match(_, { requestId, sendMetadata }) {
      const metadata = new Metadata();
      metadata.set('armilla-left-columns', 'ra,dec');
      sendMetadata(metadata);
      yield makeFrame({ metadata: Buffer.from(requestId) });
    },
  });
  for (const given of ['call-1', 'not an id!', undefined]) {
    const call = client.match(callMetadata({ requestId: given }));
    const headers = new Promise<Metadata>((resolve) => call.once('metadata', resolve));
    const [frame] = await collect(readFrames<Frame>(call));
    const requestId = String(frame.metadata);
    expect((await headers).get('x-request-id')).toEqual([requestId]);
    expect((await headers).get('armilla-left-columns')).toEqual(['ra,dec']);
    if (given === 'call-1') expect(requestId).toBe(given);
    else expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  }
  await stop();
});

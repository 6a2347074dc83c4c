import { makeFrame } from '@armilla/chassis';
import { answerFrames, messagesOf, summaryFrame } from '../testing/fake-crossmatch.js';
import { eventually, positionsIpc, startUnderTest } from '../testing/gateway-under-test.js';
import { openRaw } from '../testing/raw-http.js';

const LEFT = positionsIpc(3);
/** 1 MiB of rows. */
const PART = positionsIpc(65_536);
const FRAMES = [...answerFrames(PART)];

/** An answer of 1 GiB, one MiB a frame. */
async function* gibibyte(
  requests: AsyncIterable<unknown>,
  _seen: unknown,
  context: { requestId: string },
): AsyncGenerator<ReturnType<typeof makeFrame>> {
  for await (const _ of requests);
  yield FRAMES[0];
  for (let n = 0; n < 1024; n++) yield* FRAMES.slice(1);
  yield summaryFrame(context.requestId);
}

function ask(url: string, format: string): ReturnType<typeof openRaw> {
  const raw = openRaw(url);
  raw.socket.write(
    `POST /v1/crossmatch?radius=1&right=stars&format=${format} HTTP/1.1\r\nhost: x\r\nx-request-id: slow-${format}\r\ncontent-length: ${LEFT.length}\r\n\r\n`,
  );
  raw.socket.write(LEFT);
  return raw;
}

// The answer in other formats also holds what waits in the thread that writes them.
test.each([
  ['arrow-stream', 24],
  ['csv', 32],
])(
  'a reader of 10 kB/s of 1 GiB as %s stops the service after %d MiB',
  async (format, limitMib) => {
    expect(messagesOf(PART)).toHaveLength(2);
    const subject = await startUnderTest({
      behaviour: gibibyte,
      flags: { minReaderBytesPerSecond: '0' },
      fakeFlags: { minReaderBytesPerSecond: '0' },
    });
    try {
      const { socket } = ask(subject.url, format);
      socket.pause();
      const reading = setInterval(() => void socket.read(1000), 100);
      await eventually(() => (subject.fake.matches[0]?.sentFrameCount ?? 0) > 2, 'the answer flows');
      let last = -1;
      for (let still = 0; still < 10;) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const count = subject.fake.matches[0].sentFrameCount;
        still = count === last ? still + 1 : 0;
        last = count;
      }
      clearInterval(reading);
      expect(last).toBeLessThan(limitMib);
      const health = await fetch(`${subject.url}/healthz`);
      expect(health.status).toBe(200);
      socket.destroy();
      await eventually(() => subject.fake.matches[0].aborted !== undefined, 'the service hears that the reader left');
      await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
    } finally {
      await subject[Symbol.asyncDispose]();
    }
  },
  60_000,
);

test('a reader below the configured rate is ended, and the reason is kept', async () => {
  const subject = await startUnderTest({
    behaviour: gibibyte,
    flags: { minReaderBytesPerSecond: '1MB', readerWindowSeconds: '1' },
    fakeFlags: { minReaderBytesPerSecond: '0' },
  });
  try {
    const { socket } = ask(subject.url, 'arrow-stream');
    socket.pause();
    await eventually(() => subject.fake.matches[0]?.aborted !== undefined, 'the call is ended', 20_000);
    const result = (await (await fetch(`${subject.url}/v1/crossmatch/results/slow-arrow-stream`)).json()) as {
      state: string;
      failure: { reason: string };
    };
    expect(result).toMatchObject({ state: 'failed', failure: { reason: 'READER_TOO_SLOW' } });
    socket.destroy();
  } finally {
    await subject[Symbol.asyncDispose]();
  }
}, 60_000);

test('a reader that pauses less than the window is left alone', async () => {
  const subject = await startUnderTest({
    behaviour: gibibyte,
    flags: { minReaderBytesPerSecond: '1MB', readerWindowSeconds: '30' },
  });
  try {
    const { socket } = ask(subject.url, 'arrow-stream');
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    socket.resume();
    await eventually(() => socket.bytesRead > 100e6, 'the answer flows again', 30_000);
    socket.destroy();
    await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
  } finally {
    await subject[Symbol.asyncDispose]();
  }
}, 60_000);

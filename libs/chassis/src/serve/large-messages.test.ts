import { fail } from '@armilla/base';
import { CrossmatchServiceService } from '@armilla/proto';
import { connect, type Frame, makeFrame, readFrames, writeFrame } from '../index.js';
import { collect, pause, problemOf, startLoopback, until } from '../testing/loopback.js';

const MIB = 2 ** 20;
const LONG = { maxMessageBytes: () => 64 * MIB };
const frame = (mebibytes: number): Frame => makeFrame({ body: [Buffer.alloc(mebibytes * MIB)] });

const clientOf = (address: string) =>
  connect(CrossmatchServiceService, address, undefined, { maxMessageBytes: 2 ** 30 });

/** Sends frames one after the other, as far as the server lets it. */
async function send(
  call: Parameters<typeof writeFrame>[0],
  frames: readonly Frame[],
  onSent: () => void = () => undefined,
): Promise<void> {
  try {
    for (const one of frames) {
      await writeFrame(call, one);
      onSent();
    }
    call.end();
  } catch {
    // The answer tells why the call is over.
  }
}

test('nothing of a message comes before its memory is there; small ones are not asked for', async () => {
  const asked: [number, number][] = [];
  const waiting: (() => void)[] = [];
  const received: number[] = [];
  const { server, stop } = await startLoopback(
    {
      async *match(frames, context) {
        let first = true;
        for await (const one of frames) {
          received.push(one.bodyLength / MIB);
          if (!first) continue;
          first = false;
          await pause(50);
          context.reserveMessages((byteLength, number) => {
            asked.push([Math.round(byteLength / MIB), number]);
            return new Promise((resolve) => waiting.push(resolve));
          });
        }
        yield makeFrame({ metadata: Buffer.from('all') });
      },
    },
    {},
    LONG,
  );
  const client = clientOf(server.address);
  try {
    const call = client.match();
    const answer = collect(readFrames<Frame>(call));
    let sentCount = 0;
    const sent = send(call, [frame(0), frame(24), frame(1), frame(1), frame(40)], () => sentCount++);
    await until(() => waiting.length === 1);
    await pause(100);
    // The sender still holds what the windows do not.
    expect([asked, received, sentCount]).toEqual([[[24, 2]], [0], 1]);
    waiting[0]();
    await until(() => waiting.length === 2);
    await until(() => received.length === 4);
    expect([asked, received]).toEqual([
      [
        [24, 2],
        [40, 5],
      ],
      [0, 24, 1, 1],
    ]);
    waiting[1]();
    expect(String((await answer)[0].metadata)).toBe('all');
    expect(received).toEqual([0, 24, 1, 1, 40]);
    await sent;
    expect(server.activeCallCount).toBe(0);
  } finally {
    client.close();
    await stop();
  }
}, 30_000);

test('a message whose memory is refused ends the call with the reason; one that comes first is too large', async () => {
  const { server, stop } = await startLoopback(
    {
      async *match(frames, context) {
        for await (const _ of frames)
          context.reserveMessages(() =>
            Promise.reject(fail('MEMORY_OVER_LIMIT', { needed: '24 MiB', limit: '1 MiB' })),
          );
        yield frame(0);
      },
    },
    {},
    LONG,
  );
  const client = clientOf(server.address);
  const outcome = async (frames: readonly Frame[]) => {
    const call = client.match();
    const answer = collect(readFrames<Frame>(call));
    void send(call, frames);
    return (await problemOf(answer)).reason;
  };
  try {
    expect(await outcome([frame(0), frame(24)])).toBe('MEMORY_OVER_LIMIT');
    expect(await outcome([frame(24)])).toBe('MESSAGE_TOO_LARGE');
    expect(await outcome([frame(0), frame(65)])).toBe('MESSAGE_TOO_LARGE');
  } finally {
    client.close();
    await stop();
  }
});

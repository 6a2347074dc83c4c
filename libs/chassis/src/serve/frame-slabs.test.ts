import { jest } from '@jest/globals';
import { Random } from '@armilla/base';
import { type Frame, makeFrame, readFrames } from '../index.js';
import { pause, startLoopback } from '../testing/loopback.js';

const MIB = 2 ** 20;

/** A frame that is filled with the number of its call. */
const frameOf = (call: number, bodyLength: number): Frame =>
  makeFrame({
    header: Buffer.alloc(64, call),
    metadata: Buffer.of(call),
    body: [Buffer.alloc(bodyLength, call)],
  });

test('a stream is encoded into a few slabs, used again and again', async () => {
  const { client, stop } = await startLoopback({
    async *match() {
      for (let n = 0; n < 64; n++) yield frameOf(1, MIB);
    },
  });
  const fresh = jest.spyOn(Buffer, 'allocUnsafeSlow');
  let received = 0;
  for await (const frame of readFrames<Frame>(client.match())) received += frame.bodyLength;
  const slabs = fresh.mock.calls.filter(([length]) => length > MIB).length;
  fresh.mockRestore();
  expect(received).toBe(64 * MIB);
  expect(slabs).toBeGreaterThan(0);
  expect(slabs).toBeLessThan(16);
  await stop();
});

test('calls at once never see each other’s bytes, whichever of them are cancelled or slow', async () => {
  const random = new Random(11);
  const frameCount = 12;
  const { client, stop } = await startLoopback({
    async *match(frames) {
      let number = 0;
      for await (const { metadata } of frames) number = metadata?.[0] ?? 0;
      // Around the least and the greatest length that a slab takes.
      for (let n = 0; n < frameCount; n++) yield frameOf(number, [MIB, MIB / 2 + 40_000, 300_000, MIB + 80_000][n % 4]);
    },
  });
  const read = async (number: number): Promise<void> => {
    const call = client.match();
    call.on('error', () => undefined);
    call.write(makeFrame({ metadata: Buffer.of(number) }));
    call.end();
    const cancelAfter = number % 3 === 0 ? random.below(frameCount) : frameCount;
    let count = 0;
    for await (const { metadata, body, bodyLength } of readFrames<Frame>(call)) {
      expect(metadata?.[0]).toBe(number);
      expect(body[0].length).toBe(bodyLength);
      expect(Buffer.compare(body[0], Buffer.alloc(bodyLength, number))).toBe(0);
      if (count++ === cancelAfter) return call.cancel();
      if (number % 4 === 0) await pause(random.below(10));
    }
    expect(count).toBe(frameCount);
  };
  await Promise.all(Array.from({ length: 30 }, (_, i) => read(i + 1)));
  await stop();
});

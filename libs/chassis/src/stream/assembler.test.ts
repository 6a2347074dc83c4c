import { Problem, Random } from '@armilla/base';
import { FrameAssembler } from './assembler.js';
import { cutMessage, type FramedMessage } from './cut.js';
import { type Frame, makeFrame } from './frame.js';
import { deserializeFrame, serializeFrame } from './frame-codec.js';

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const message = (header: number, ...parts: number[]): FramedMessage => ({
  header: bytes(header, 200),
  body: parts.map((length, i) => bytes(length, i + 1)),
  bodyLength: parts.reduce((sum, length) => sum + length, 0),
});

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return error instanceof Problem ? error.reason : String(error);
  }
  return 'none';
}

test('messages cut to frames come back whole, on two interleaved tables', () => {
  const random = new Random(6);
  for (let n = 0; n < 100; n++) {
    const sent = [0, 1].map((table) =>
      Array.from({ length: 5 }, () =>
        message(1 + random.below(50), ...Array.from({ length: random.below(5) }, () => random.below(3000))),
      ).map((m) => ({ m, table })),
    );
    const queues = sent.map((list) =>
      list.flatMap(({ m, table }) => [...cutMessage(m, table, { crc: random.below(2) === 1, frameBodyBytes: 256 })]),
    );
    const assembler = new FrameAssembler();
    const got: FramedMessage[][] = [[], []];
    while (queues.some((queue) => queue.length > 0)) {
      const queue = queues[random.below(2)];
      const frame = queue.shift();
      if (!frame) continue;
      const done = assembler.push(deserializeFrame(serializeFrame(frame)));
      if (done) got[done.table].push(done.message);
    }
    assembler.finish();
    sent.forEach((list, table) => {
      expect(got[table].length).toBe(list.length);
      list.forEach(({ m }, i) => {
        expect(Buffer.concat(got[table][i].body).equals(Buffer.concat(m.body))).toBe(true);
        expect(Buffer.from(got[table][i].header.subarray(0, m.header.length)).equals(m.header)).toBe(true);
      });
    });
  }
});

test('frames hold 1 MiB of body at most and say which is the last', () => {
  const whole = message(100, 700_000, 2_000_000, 5);
  const frames = [...cutMessage(whole, 1)];
  expect(frames.map(({ bodyLength }) => bodyLength)).toEqual([2 ** 20, 2 ** 20, 2_700_005 - 2 ** 21]);
  expect(frames.map(({ more }) => more)).toEqual([true, true, false]);
  expect(frames.map(({ header }) => header.length)).toEqual([100, 0, 0]);
  expect(frames.every(({ table }) => table === 1)).toBe(true);
  // Nothing is copied.
  expect(frames[0].body[0].buffer).toBe(whole.body[0].buffer);
  expect([...cutMessage(message(64), 0)].length).toBe(1);
  expect(reasonOf(() => [...cutMessage(message(4 * 2 ** 20), 0)])).toBe('MESSAGE_TOO_LARGE');
});

test('frames against the contract are refused', () => {
  const push =
    (...frames: Partial<Frame>[]) =>
    () => {
      const assembler = new FrameAssembler({ headerBytes: 1000, messageBytes: 5000 });
      for (const frame of frames) assembler.push(makeFrame(frame));
      assembler.finish();
    };
  const header = bytes(8);
  const body = [bytes(8)];
  expect(reasonOf(push({ body }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ more: true }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header, more: true }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header, more: true }, { header }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header, more: true, body }, { endOfTable: true }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header, more: true, endOfTable: true }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header, endOfTable: true }, { header }))).toBe('STREAM_ORDER');
  expect(reasonOf(push({ header: bytes(1001) }))).toBe('MESSAGE_TOO_LARGE');
  expect(reasonOf(push({ header, body: [bytes(3000)], more: true }, { body: [bytes(3000)] }))).toBe(
    'MESSAGE_TOO_LARGE',
  );
  expect(reasonOf(push({ header, body, more: true }, { metadata: bytes(3) }, { body }))).toBe('none');
  expect(reasonOf(push({ metadata: bytes(3) }, { header, endOfTable: true }, { table: 1, header }))).toBe('none');
});

test('an end mark is remembered per table', () => {
  const assembler = new FrameAssembler();
  assembler.push(makeFrame({ table: 1, endOfTable: true }));
  expect([assembler.ended(0), assembler.ended(1)]).toEqual([false, true]);
});

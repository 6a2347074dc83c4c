import { Random } from '@armilla/base';
import { type Frame, FrameAssembler, FRAME_BODY_BYTES } from '@armilla/chassis';
import { IPC_END, ipcBytes } from '@armilla/tables';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { FrameCutter } from './frame-cutter.js';

const IPC = tableToIPC(
  tableFromArrays({
    id: Int32Array.from({ length: 400_000 }, (_, n) => n),
    name: Array.from({ length: 400_000 }, (_, n) => `star ${n % 97}`),
  }),
  'stream',
);

function cut(bytes: Uint8Array, random: Random, largest: number): Frame[] {
  const cutter = new FrameCutter(1, 'right');
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = 1 + random.below(largest);
    frames.push(...cutter.push(bytes.subarray(at, at + size)));
    at += size;
  }
  cutter.finish();
  return frames;
}

const joined = (frames: readonly Frame[]): Buffer =>
  Buffer.concat([...frames.flatMap((frame) => (frame.header.byteLength > 0 ? ipcBytes(frame) : frame.body)), IPC_END]);

test.each([3, 1000, 65_536, 10_000_000])('frames of chunks of up to %d bytes are the stream again', (largest) => {
  const random = new Random(largest);
  const source = largest === 3 ? tableToIPC(tableFromArrays({ x: Float64Array.of(1, 2, 3) }), 'stream') : IPC;
  const frames = cut(source, random, largest);
  expect(joined(frames).equals(source)).toBe(true);
  const assembler = new FrameAssembler();
  for (const frame of frames) {
    expect(frame.bodyLength).toBeLessThanOrEqual(FRAME_BODY_BYTES);
    expect(frame.table).toBe(1);
    assembler.push(frame);
  }
  assembler.finish();
});

test('bytes behind the end mark are ignored', () => {
  const frames = cut(Buffer.concat([IPC, Buffer.from('rubbish')]), new Random(1), 50_000);
  expect(joined(frames).equals(IPC)).toBe(true);
});

test.each([0, 3, 7, 100, 100_000, IPC.length - 1])('a stream cut at byte %d is refused', (length) => {
  expect(() => cut(IPC.subarray(0, length), new Random(2), 10_000)).toThrow(
    expect.objectContaining({ reason: 'ARROW_TRUNCATED' }),
  );
});

test('mutants end in a typed error or in frames, never in anything else', () => {
  const random = new Random(3);
  const small = tableToIPC(tableFromArrays({ x: Float64Array.of(1, 2, 3), s: ['a', 'b', 'c'] }), 'stream');
  for (let n = 0; n < 2000; n++) {
    const mutant = Uint8Array.from(small);
    for (let flips = 1 + random.below(3); flips > 0; flips--) mutant[random.below(mutant.length)] = random.below(256);
    try {
      cut(mutant, random, 100);
    } catch (error) {
      expect((error as { reason?: string }).reason).toMatch(/^ARROW_/);
    }
  }
});

import { ALIGNMENT_BYTES, binOf, CLASS_COUNT, classBytes, classOf } from './size-class.js';

test('classes ascend, are multiples of 256 and name themselves', () => {
  for (let index = 0; index < CLASS_COUNT; index++) {
    const bytes = classBytes(index);
    expect(bytes % ALIGNMENT_BYTES).toBe(0);
    expect(classOf(bytes)).toBe(index);
    expect(binOf(bytes)).toBe(index);
    expect(classOf(bytes + 1)).toBe(index + 1);
    if (index > 0) expect(bytes).toBeGreaterThan(classBytes(index - 1));
    if (index > 0) expect(binOf(bytes - ALIGNMENT_BYTES)).toBe(index - 1);
  }
});

test('a class wastes at most a quarter of what is asked for, from 1 KiB on, and 255 bytes below', () => {
  const tooMuch: number[] = [];
  for (let bytes = 1; bytes < 300_000; bytes++) {
    const waste = classBytes(classOf(bytes)) - bytes;
    if (waste < 0 || waste > (bytes < 1024 ? ALIGNMENT_BYTES - 1 : bytes / 4)) tooMuch.push(bytes);
  }
  expect(tooMuch).toEqual([]);
  expect(classBytes(classOf(0))).toBe(ALIGNMENT_BYTES);
});

test('over sizes spread evenly by their logarithm a seventh is wasted at most', () => {
  let ratio = 0;
  let count = 0;
  for (let octave = 10; octave < 24; octave += 1 / 64) {
    const bytes = Math.round(2 ** octave);
    ratio += classBytes(classOf(bytes)) / bytes - 1;
    count++;
  }
  expect(ratio / count).toBeLessThanOrEqual(1 / 7);
});

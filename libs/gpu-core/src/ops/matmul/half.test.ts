import { fromHalf, toHalf } from './half.js';

test('every f16 number survives, and NaN stays NaN', () => {
  for (let bits = 0; bits < 65_536; bits++) {
    const [value] = fromHalf(Uint16Array.of(bits));
    const [back] = toHalf(Float32Array.of(value));
    if (Number.isNaN(value)) expect(fromHalf(Uint16Array.of(back))[0]).toBeNaN();
    else expect(back).toBe(bits);
  }
});

test('others go to the nearest one, ties to even, and too large ones to infinity', () => {
  const ordered = Array.from({ length: 0x7c00 }, (_, bits) => fromHalf(Uint16Array.of(bits))[0]);
  for (let bits = 0; bits + 1 < ordered.length; bits++) {
    const middle = (ordered[bits] + ordered[bits + 1]) / 2;
    const step = (ordered[bits + 1] - ordered[bits]) / 8;
    const even = bits % 2 === 0 ? bits : bits + 1;
    expect([...toHalf(Float32Array.of(middle, -middle, middle - step, middle + step))]).toEqual([
      even,
      even | 0x8000,
      bits,
      bits + 1,
    ]);
  }
  expect([...fromHalf(toHalf(Float32Array.of(65_519, 65_520, -1e30, 1e-9)))]).toEqual([65_504, Infinity, -Infinity, 0]);
});

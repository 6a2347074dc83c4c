import { Random } from '@armilla/base';
import { parseDecimal } from './decimal.js';
import { writeInt64, writeInteger } from './digits.js';
import { parseInt64 } from './integer.js';
import { writeDouble, writeFloat } from './shortest.js';

const encoder = new TextEncoder();
const out = new Uint8Array(64);
const written = (end: number): string => String.fromCharCode(...out.subarray(0, end));
const parse = (text: string): number => {
  const bytes = encoder.encode(text);
  return parseDecimal(bytes, 0, bytes.length);
};

/** Any finite double: bits at random, or a number as catalogs have them. */
function anyDouble(random: Random): number {
  const kind = random.below(5);
  if (kind === 0) {
    const bits = new Uint32Array([random.uint32(), random.uint32()]);
    const value = new Float64Array(bits.buffer)[0];
    return Number.isFinite(value) ? value : 0;
  }
  if (kind === 1) return Number(random.between(-360, 360).toFixed(random.below(13)));
  if (kind === 2) return random.between(-1, 1) * 10 ** (random.below(24) - 8);
  if (kind === 3) return random.below(2 ** 31) * 2 ** (random.below(40) - 20);
  return random.between(0, 360);
}

test('decimal numbers read as Number() reads them, to the last bit', () => {
  const random = new Random(1);
  for (let i = 0; i < 15_000; i++) {
    const value = anyDouble(random);
    const texts = [
      String(value),
      value.toExponential(random.below(21)),
      value.toPrecision(1 + random.below(25)),
      Math.abs(value) < 1e15 ? value.toFixed(random.below(20)) : `${value}`,
    ];
    for (const text of texts)
      if (!Object.is(parse(text), Number(text))) throw new Error(`${text}: ${parse(text)} is not ${Number(text)}`);
  }
});

test('halfway cases and awkward forms read as Number() reads them', () => {
  const texts = [
    '9007199254740993',
    '9007199254740992.9999999999',
    '1e23',
    '8.5e22',
    '1.7976931348623157e308',
    '1e309',
    '4.9e-324',
    '2.4703282292062328e-324',
    '0.1e1',
    '.5',
    '5.',
    '+1',
    '-0',
    '-0.0',
    '00012.50',
    '123456789012345678901234567890',
    '0.00000000000000000000000000001',
    '1e99999',
    '1E+05',
    '0e0',
    '9007199254740993e0',
    '72057594037927945',
    '5e-324',
  ];
  for (const text of texts) expect([text, parse(text)]).toEqual([text, Number(text)]);
  const random = new Random(2);
  for (let i = 0; i < 5_000; i++) {
    // Between two doubles of 2^53 to 2^63 the middle is an integer of up to 19 digits.
    const low = BigInt(2 ** 53 + random.below(2 ** 31)) << BigInt(random.below(8));
    for (const text of [String(low + 1n), `${low}.5`, `${low + 1n}e-${random.below(23)}`])
      expect(parse(text)).toBe(Number(text));
  }
});

test.each(['', '+', '-', '.', 'e5', '1e', '1e+', '1.2.3', '1a', '0x10', 'NaN', '--1', '1 2', '1e5.5'])(
  '%j is no number',
  (text) => {
    expect(parse(text)).toBeNaN();
  },
);

test('doubles are written as String() writes them and show that they are floats', () => {
  const random = new Random(3);
  for (let i = 0; i < 40_000; i++) {
    const value = anyDouble(random);
    const text = written(writeDouble(value, out, 0));
    const plain = Object.is(value, -0) ? '-0' : String(value);
    if (text !== (/^-?\d+$/.test(plain) ? `${plain}.0` : plain)) throw new Error(`${plain} was written as ${text}`);
  }
});

test.each([
  [0, '0.0'],
  [-0, '-0.0'],
  [1, '1.0'],
  [-5, '-5.0'],
  [0.1, '0.1'],
  [0.3, '0.3'],
  [0.1 + 0.2, '0.30000000000000004'],
  [1e21, '1e+21'],
  [1e-7, '1e-7'],
  [123456789.125, '123456789.125'],
  [NaN, 'NaN'],
  [Infinity, 'Infinity'],
  [-Infinity, '-Infinity'],
  [5e-324, '5e-324'],
  [Number.MAX_VALUE, '1.7976931348623157e+308'],
  [1e15, '1000000000000000.0'],
  [2147483648, '2147483648.0'],
  [1e-6, '0.000001'],
])('%d is written %s', (value, text) => {
  expect(written(writeDouble(value, out, 0))).toBe(text);
});

test('float32 values are written with the digits that they have', () => {
  const random = new Random(4);
  for (let i = 0; i < 10_000; i++) {
    const value = Math.fround(anyDouble(random));
    const text = written(writeFloat(value, out, 0));
    if (Math.fround(Number(text)) !== value) throw new Error(`${value}: ${text}`);
    const digitCount = text.replace(/[-.]|e.*/g, '').replace(/^0+|0+$/g, '').length;
    if (digitCount > 9 && Math.abs(value) < 1e7) throw new Error(`${value} was written as ${text}`);
  }
  expect(written(writeFloat(Math.fround(0.1), out, 0))).toBe('0.1');
  expect(written(writeFloat(Infinity, out, 0))).toBe('Infinity');
});

test('64-bit integers are read and written exactly', () => {
  const random = new Random(5);
  const words = new Int32Array(2);
  const value = new BigInt64Array(words.buffer);
  const limits = [
    0n,
    1n,
    -1n,
    2n ** 53n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    999_999_999n,
    1_000_000_000n,
    4_294_967_296n,
    -4_294_967_296n,
    10n ** 18n,
  ];
  for (let i = 0; i < 4_000; i++) {
    const wanted =
      i < limits.length
        ? limits[i]
        : BigInt.asIntN(64, (BigInt(random.uint32()) << 32n) | BigInt(random.uint32())) >> BigInt(random.below(64));
    const bytes = encoder.encode(String(wanted));
    expect(parseInt64(bytes, 0, bytes.length, words, 0)).toBe(true);
    expect(value[0]).toBe(wanted);
    expect(written(writeInt64(words[0], words[1], out, 0))).toBe(String(wanted));
    const unsigned = BigInt.asUintN(64, wanted);
    expect(written(writeInt64(words[0], words[1] >>> 0, out, 0))).toBe(String(unsigned));
  }
  for (const text of ['9223372036854775808', '-9223372036854775809', '99999999999999999999', '12a', '', '-', '1.0']) {
    const bytes = encoder.encode(text);
    expect(parseInt64(bytes, 0, bytes.length, words, 0)).toBe(false);
  }
  for (const small of [0, 7, -42, 99_999_999, 100_000_000, -(2 ** 53)])
    expect(written(writeInteger(small, out, 0))).toBe(String(small));
});

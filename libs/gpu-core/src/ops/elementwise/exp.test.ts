import { Random } from '@armilla/base';
import { Runtime } from '../../runtime/runtime.js';
import { ulpsApart } from '../conformance/ulp.js';
import { exp } from './index.js';

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 1 })));
afterAll(() => runtime.close());

const BITS = 200n;
const ONE = 1n << BITS;

/** exp(x) times 2^200, of |x| <= 746, by its series of x / 2^10, which is then squared ten times. */
function exactExp(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 2047n) - 1075;
  const fraction = ((bits & (2n ** 52n - 1n)) | (2n ** 52n)) * (x < 0 ? -1n : 1n);
  const shift = BigInt(exponent - 10) + BITS + 1100n;
  const wide = BITS + 1100n;
  const r = shift >= 0n ? fraction << shift : fraction >> -shift;
  let term = 1n << wide;
  let sum = term;
  for (let n = 1n; term !== 0n && n < 400n; n++) {
    term = (term * r) >> wide;
    term /= n;
    sum += term;
  }
  for (let i = 0; i < 10; i++) sum = (sum * sum) >> wide;
  return sum >> 1100n;
}

/** How far `got` is from the exact value of a result in the normal range, in units of its last place. */
function ulpError(got: number, exact: bigint): number {
  const exponent = exact.toString(2).length - 1 - Number(BITS);
  const unitBits = BigInt(exponent - 52) + BITS;
  const scaled = BigInt(got / 2 ** (exponent - 52)) << unitBits;
  return Number(((scaled - exact) * 1000n) / (1n << unitBits)) / 1000;
}

test('f64 is off by less than 0.9 units in the last place', async () => {
  const random = new Random(11);
  const left = new Float64Array(4000);
  // Where the fraction of a result lies in [0.7, 1) the error is largest; results that need 2^200 digits are others.
  for (let i = 0; i < left.length; i++) left[i] = random.between(-40, 40) * (i % 4 === 0 ? 0.01 : 1);
  const got = await exp.on('wasm')({ runtime }, { left });
  let most = 0;
  for (let i = 0; i < left.length; i++) most = Math.max(most, Math.abs(ulpError(got[i], exactExp(left[i]))));
  expect(exactExp(0)).toBe(ONE);
  expect(most).toBeLessThan(0.9);
  expect(most).toBeGreaterThan(0.5);
});

test.each([
  ['f32', Float32Array, 1],
  ['f64', Float64Array, 2],
] as const)(
  '%s is near Math.exp wherever the result is a number, subnormal ones included',
  async (type, Numbers, ulps) => {
    const random = new Random(12);
    const [lowest, highest] = type === 'f32' ? [-104, 89] : [-746, 710];
    const left = new Numbers(100_000);
    for (let i = 0; i < left.length; i++) left[i] = random.between(lowest, highest);
    const got = await exp.on('wasm')({ runtime }, { left });
    let most = 0;
    left.forEach((x, i) => (most = Math.max(most, ulpsApart(got[i], Numbers.of(Math.exp(x))[0], type))));
    expect(most).toBeLessThanOrEqual(ulps);
  },
);

test('ends of the range', async () => {
  const left = Float64Array.of(
    NaN,
    Infinity,
    -Infinity,
    0,
    -0,
    709.782712893384,
    709.7827128933841,
    -745.1332191019411,
  );
  const got = await exp.on('wasm')({ runtime }, { left });
  expect([...got.slice(0, 5)]).toEqual([NaN, Infinity, 0, 1, 1]);
  expect(got[5]).toBeLessThan(Infinity);
  expect(got[6]).toBe(Infinity);
  expect(got[7]).toBe(2 ** -1074);
  expect([...(await exp.on('wasm')({ runtime }, { left: Float64Array.of(-746, 1e300, -1e300) }))]).toEqual([
    0,
    Infinity,
    0,
  ]);
});

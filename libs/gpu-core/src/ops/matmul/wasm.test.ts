import { Random } from '@armilla/base';
import { hasRelaxedSimd } from '../../memory/webassembly.js';
import { Runtime } from '../../runtime/runtime.js';
import { conformanceCases } from '../conformance/cases.js';
import { batchedMatmul, matmul } from './index.js';

let plain: Runtime;
let relaxed: Runtime;
beforeAll(async () => {
  plain = await Runtime.create({ workerCount: 2, relaxedSimd: false });
  relaxed = await Runtime.create({ workerCount: 2, relaxedSimd: hasRelaxedSimd() });
});
afterAll(async () => {
  await plain.close();
  await relaxed.close();
});

test('without relaxed SIMD each product is rounded, with it at most once in a multiply-add', async () => {
  const a = 1 + 2 ** -12; // a * a is 1 + 2^-11 + 2^-24, which f32 rounds to 1 + 2^-11
  const f32 = { left: Float32Array.of(-1 - 2 ** -11, a), right: Float32Array.of(1, a) };
  const b = 1 + 2 ** -27;
  const f64 = { left: Float64Array.of(-1 - 2 ** -26, b), right: Float64Array.of(1, b) };
  const shape = { rowCount: 1, innerCount: 2, columnCount: 1 };
  const run = matmul.on('wasm');
  expect([...(await run({ runtime: plain }, { ...f32, ...shape }))]).toEqual([0]);
  expect([...(await run({ runtime: plain }, { ...f64, ...shape }))]).toEqual([0]);
  expect([0, 2 ** -24]).toContain((await run({ runtime: relaxed }, { ...f32, ...shape }))[0]);
  expect([0, 2 ** -54]).toContain((await run({ runtime: relaxed }, { ...f64, ...shape }))[0]);
});

test.each(conformanceCases(new Random(5)).filter(({ name }) => name === 'gpu.batchedMatmul'))(
  '$name without relaxed SIMD agrees with the reference',
  async ({ inputs, run, excess }) => {
    for (const input of inputs) {
      const reference = await run('reference', { runtime: plain }, input);
      expect(excess(await run('wasm', { runtime: plain }, input), reference, input, 'wasm')).toBeLessThanOrEqual(1);
    }
  },
);

test.each([Float32Array, Float64Array])(
  '%p: high tiles of many products give the bits of low tiles of one',
  async (type) => {
    const [rowCount, innerCount, columnCount, batchCount] = [301, 270, 37, 16];
    const random = new Random(6);
    const left = new type(batchCount * rowCount * innerCount).map(() => random.normal());
    const right = new type(batchCount * innerCount * columnCount).map(() => random.normal());
    const shape = { rowCount, innerCount, columnCount };
    for (const runtime of [plain, relaxed]) {
      const all = await batchedMatmul.on('wasm')({ runtime }, { left, right, groups: [{ batchCount, ...shape }] });
      for (const i of [0, 15]) {
        const one = {
          left: left.slice(i * rowCount * innerCount, (i + 1) * rowCount * innerCount),
          right: right.slice(i * innerCount * columnCount, (i + 1) * innerCount * columnCount),
        };
        const size = rowCount * columnCount;
        const product = await matmul.on('wasm')({ runtime }, { ...one, ...shape });
        expect(Buffer.compare(bytesOf(all.slice(i * size, (i + 1) * size)), bytesOf(product))).toBe(0);
      }
    }
  },
);

function bytesOf(values: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

import { jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { Dispatcher } from '../../runtime/dispatcher.js';
import { Runtime } from '../../runtime/runtime.js';
import { distance } from '../distance/index.js';
import { add, exp, multiply, sqrt, square } from '../elementwise/index.js';
import { batchedMatmul, halfMatmul, matmul } from '../matmul/index.js';
import { max, mean, min, sum } from '../reduce/index.js';
import { plainExtreme, plainSum } from '../reduce/plain.js';
import { xor } from '../xor/index.js';
import type { Execution } from './execution.js';

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 1 })));
afterAll(() => runtime.close());

afterEach(() => jest.restoreAllMocks());

/** A clock on which `stepMs` pass between two looks. */
function clockOf(stepMs: number): jest.Spied<() => number> {
  let nowMs = 0;
  return jest.spyOn(performance, 'now').mockImplementation(() => (nowMs += stepMs));
}

/** As bytes: arrays of many values are compared value by value for long. */
function bitsOf(result: unknown): Buffer {
  const { buffer, byteOffset, byteLength } =
    typeof result === 'number' ? Float64Array.of(result) : (result as Float32Array);
  return Buffer.from(buffer, byteOffset, byteLength);
}

function floats(n: number): Float32Array {
  const random = new Random(n);
  return Float32Array.from({ length: n }, () => random.normal());
}

type Call = (execution: Execution) => Promise<unknown>;

const values = floats(2 ** 19);
const bytes = new Uint8Array(values.buffer);
const squares = { left: values.subarray(0, 512 ** 2), right: values.subarray(0, 512 ** 2) };
const shape = { rowCount: 512, innerCount: 512, columnCount: 512 };
const small = { batchCount: 2 ** 13, rowCount: 8, innerCount: 8, columnCount: 8 };
const points = { left: values.subarray(0, 3000), right: values.subarray(0, 3000), leftCount: 1000, rightCount: 1000 };
const calls: Readonly<Record<string, Call>> = {
  matmul: (execution) => matmul.on('typescript')(execution, { ...squares, ...shape }),
  halfMatmul: (execution) => halfMatmul.on('typescript')(execution, { ...squares, ...shape }),
  batchedMatmul: (execution) =>
    batchedMatmul.on('typescript')(execution, { left: values, right: values, groups: [small] }),
  distance: (execution) => distance.on('typescript')(execution, { ...points, coordinateCount: 3 }),
  add: (execution) => add.on('typescript')(execution, { left: values, right: values }),
  multiply: (execution) => multiply.on('typescript')(execution, { left: values, right: values }),
  square: (execution) => square.on('typescript')(execution, { left: values }),
  sqrt: (execution) => sqrt.on('typescript')(execution, { left: values }),
  exp: (execution) => exp.on('typescript')(execution, { left: values }),
  xor: (execution) => xor.on('typescript')(execution, { left: bytes, right: bytes }),
  sum: (execution) => sum.on('typescript')(execution, { values }),
  mean: (execution) => mean.on('typescript')(execution, { values }),
  max: (execution) => max.on('typescript')(execution, { values }),
  min: (execution) => min.on('typescript')(execution, { values }),
};

test.each(Object.entries(calls))(
  '%s on this thread lets others work, and ends when it is cancelled',
  async (_, call) => {
    clockOf(1000);
    const stop = new AbortController();
    const reason = new Error('stop');
    let turnCount = 0;
    const stopLater = (): void => {
      if (++turnCount === 2) stop.abort(reason);
      else setImmediate(stopLater);
    };
    setImmediate(stopLater);
    await expect(call({ runtime, signal: stop.signal })).rejects.toBe(reason);
    expect(turnCount).toBe(2);
  },
);

test.each(Object.entries(calls))('%s gives the same bits with turns and without', async (_, call) => {
  clockOf(0);
  const expected = bitsOf(await call({ runtime }));
  const clock = clockOf(1000);
  expect(bitsOf(await call({ runtime })).equals(expected)).toBe(true);
  expect(clock.mock.calls.length).toBeGreaterThan(1);
});

test('a product that a timer cancels ends with its reason, called by name too', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'armilla-turns-'));
  try {
    const dispatcher = await Dispatcher.open(runtime, { environment: '', stateFolder });
    const n = 2500;
    const one = new Float64Array(n * n).fill(1);
    const input = { left: one, right: one, rowCount: n, innerCount: n, columnCount: n };
    const stop = new AbortController();
    const reason = new Error('stop');
    setTimeout(() => stop.abort(reason), 5);
    const { signal } = stop;
    await expect(dispatcher.run('gpu.matmul', input, { device: 'typescript', signal })).rejects.toBe(reason);
  } finally {
    rmSync(stateFolder, { recursive: true });
  }
});

test('parts of a reduction give the bits of the whole', async () => {
  const part = 2 ** 16;
  for (const count of [part - 1, part, part + 1, 2 * part, 3 * part + 257, 5 * part, 7 * part + 100]) {
    const some = values.slice(0, count);
    expect(await sum.on('typescript')({ runtime }, { values: some })).toBe(plainSum(some));
    expect(await max.on('typescript')({ runtime }, { values: some })).toBe(plainExtreme(some, true));
    expect(await min.on('typescript')({ runtime }, { values: some })).toBe(plainExtreme(some, false));
    some[count - 1] = NaN;
    expect(await max.on('typescript')({ runtime }, { values: some })).toBe(NaN);
    expect(await min.on('typescript')({ runtime }, { values: some })).toBe(NaN);
  }
});

test.each([
  [1027, 5, 6],
  [3, 700, 9],
  [513, 257, 2],
  [1, 1, 1],
])('products of %i x %i by %i sum 256 inner values each, in their order', async (rowCount, innerCount, columnCount) => {
  const left = Float64Array.from(floats(rowCount * innerCount));
  const right = Float64Array.from(floats(innerCount * columnCount));
  const expected = new Float64Array(rowCount * columnCount);
  for (let i = 0; i < rowCount; i++)
    for (let j = 0; j < columnCount; j++)
      for (let from = 0; from < innerCount; from += 256) {
        let some = 0;
        for (let p = from; p < Math.min(from + 256, innerCount); p++)
          some += left[i * innerCount + p] * right[p * columnCount + j];
        expected[i * columnCount + j] += some;
      }
  const input = { left, right, rowCount, innerCount, columnCount };
  expect(await matmul.on('typescript')({ runtime }, input)).toEqual(expected);
});

test('distances of few and of many points are those of the reference', async () => {
  for (const [leftCount, rightCount, coordinateCount] of [
    [1, 100_000, 3],
    [100_000, 1, 3],
    [300, 201, 2],
    [2, 3, 70_000],
    [5, 0, 3],
    [4, 4, 0],
  ]) {
    const left = values.subarray(0, leftCount * coordinateCount);
    const right = values.subarray(values.length - rightCount * coordinateCount);
    const input = { left, right, leftCount, rightCount, coordinateCount };
    const expected = bitsOf(await distance.on('reference')({ runtime }, input));
    expect(bitsOf(await distance.on('typescript')({ runtime }, input)).equals(expected)).toBe(true);
  }
});

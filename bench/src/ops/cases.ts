import { Random } from '@armilla/base';
import {
  add,
  batchedMatmul,
  distance,
  exp,
  HeapArray,
  matmul,
  max,
  type Numbers,
  type Operation,
  type Runtime,
  sum,
  type Values,
  xor,
} from '@armilla/gpu-core';

export type OpsType = 'f32' | 'f64' | 'u8';
export type OpsBackend = 'typescript' | 'wasm' | 'wasm in place' | 'onnxruntime';

/** An operation at a size. `n` is what bench/peers/numeric.py takes: values, or the edge of matrices, or points a side. */
export interface OpsCase {
  readonly operation: 'matmul' | 'batchedMatmul' | 'xor' | 'add' | 'exp' | 'sum' | 'max' | 'distance';
  readonly dtype: OpsType;
  readonly n: number;
  readonly backends: readonly OpsBackend[];
}

/** Matrices of a batch, in numeric.py too. */
const BATCH_COUNT = 10;
const COORDINATE_COUNT = 3;

export function opsCases(quick: boolean): OpsCase[] {
  const size = (full: number, small: number): number => (quick ? small : full);
  const floats = ['wasm', 'wasm in place', 'typescript'] as const;
  const products = ['onnxruntime', 'wasm', 'wasm in place'] as const;
  return [
    { operation: 'matmul', dtype: 'f32', n: size(1024, 128), backends: products },
    { operation: 'matmul', dtype: 'f64', n: size(1024, 128), backends: products },
    { operation: 'matmul', dtype: 'f32', n: 64, backends: ['onnxruntime', 'wasm', 'typescript'] },
    { operation: 'batchedMatmul', dtype: 'f32', n: size(256, 32), backends: products },
    { operation: 'xor', dtype: 'u8', n: 1000, backends: floats },
    { operation: 'xor', dtype: 'u8', n: 100_000, backends: floats },
    { operation: 'xor', dtype: 'u8', n: size(10_000_000, 1_000_000), backends: floats },
    { operation: 'xor', dtype: 'u8', n: size(100_000_000, 1_000_000), backends: floats },
    { operation: 'add', dtype: 'f32', n: size(4_000_000, 100_000), backends: floats },
    { operation: 'exp', dtype: 'f32', n: size(4_000_000, 100_000), backends: floats },
    { operation: 'exp', dtype: 'f64', n: size(4_000_000, 100_000), backends: floats },
    { operation: 'sum', dtype: 'f64', n: size(4_000_000, 100_000), backends: floats },
    { operation: 'max', dtype: 'f32', n: size(4_000_000, 100_000), backends: floats },
    { operation: 'distance', dtype: 'f64', n: size(2000, 200), backends: ['wasm', 'typescript'] },
  ];
}

/** Operands and result of a case: as arrays, or in a heap that the workers share. Gives one call, and its end. */
export function prepare(
  one: OpsCase,
  backend: OpsBackend,
  runtime: Runtime,
): { readonly run: () => Promise<unknown>; readonly close: () => void } {
  const heap = backend === 'wasm in place' ? runtime.openHeap(undefined, 'bench') : undefined;
  const leases: Disposable[] = [];
  const place = (length: number, filled: boolean): Values<Numbers> => {
    const type = one.dtype === 'f32' ? Float32Array : one.dtype === 'f64' ? Float64Array : Uint8Array;
    const values = filled ? numbers(length, one.dtype) : new type(length);
    if (heap === undefined) return values;
    const resident = new HeapArray<Numbers>(heap, type as never, length, 'bench');
    leases.push(resident);
    resident.values.set(values);
    return resident;
  };
  const input = inputOf(one, place);
  const operation = OPERATIONS[one.operation] as unknown as Operation<AnyRun, never>;
  const run = operation.on(backend === 'wasm in place' ? 'wasm' : backend);
  return {
    run: () => run({ runtime }, input),
    close: () => {
      for (const lease of leases) lease[Symbol.dispose]();
      if (heap !== undefined) runtime.closeHeap(heap);
    },
  };
}

const OPERATIONS = { add, batchedMatmul, distance, exp, matmul, max, sum, xor };

type AnyRun = (execution: { readonly runtime: Runtime }, input: object) => Promise<unknown>;

function inputOf({ operation, n }: OpsCase, place: (length: number, filled: boolean) => Values<Numbers>): object {
  const square = { rowCount: n, innerCount: n, columnCount: n };
  const pair = (length: number): object => ({ left: place(length, true), right: place(length, true) });
  if (operation === 'matmul') return { ...pair(n * n), ...square, out: place(n * n, false) };
  if (operation === 'batchedMatmul') {
    const length = BATCH_COUNT * n * n;
    return { ...pair(length), groups: [{ batchCount: BATCH_COUNT, ...square }], out: place(length, false) };
  }
  if (operation === 'distance') {
    const shape = { leftCount: n, rightCount: n, coordinateCount: COORDINATE_COUNT };
    return { ...pair(n * COORDINATE_COUNT), ...shape, out: place(n * n, false) };
  }
  if (operation === 'sum' || operation === 'max') return { values: place(n, true) };
  if (operation === 'exp') return { left: place(n, true), out: place(n, false) };
  return { ...pair(n), out: place(n, false) };
}

function numbers(length: number, dtype: OpsType): Numbers {
  const random = new Random(1);
  if (dtype === 'u8') return new Uint8Array(length).map(() => random.below(256));
  const values = dtype === 'f32' ? new Float32Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) values[i] = random.normal();
  return values;
}

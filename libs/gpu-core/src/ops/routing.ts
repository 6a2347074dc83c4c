import { fail, Random } from '@armilla/base';
import type { Operation } from '../operation/operation.js';
import type { OpSize } from '../router/size.js';
import {
  type Agreement,
  exactly,
  type Result,
  withinDistance,
  withinOneProduct,
  withinProduct,
  withinSum,
  withinUlps,
} from './agreement.js';
import { asBatchedMatmul, type Coalescing, concatenated } from './coalescing.js';
import { distance } from './distance/index.js';
import { checkDistance, type DistanceInput } from './distance/shape.js';
import {
  add,
  type BinaryInput,
  checkElementwise,
  exp,
  multiply,
  sqrt,
  square,
  type UnaryInput,
} from './elementwise/index.js';
import type { Execution } from './host/execution.js';
import { DeviceArray } from './host/device-array.js';
import { type Floats, type Numbers, typeName } from './host/operand.js';
import { FLOATS } from './host/shape.js';
import { batchedMatmul, halfMatmul, matmul } from './matmul/index.js';
import { type BatchedMatmulInput, checkMatmul, checkProduct, type MatmulInput } from './matmul/shape.js';
import { checkReduce, max, mean, min, type ReduceInput, sum } from './reduce/index.js';
import { checkXor, xor, type XorInput } from './xor/index.js';

export type DType = 'f32' | 'f64' | 'u8';

/** An operation as router, calibration and `router explain` see it: sizes of inputs, and inputs of a size. */
export interface RoutedOperation<Input = never, Output = unknown> {
  readonly operation: Operation<(execution: Execution, input: Input) => Promise<Output>, never>;
  readonly dtypes: readonly DType[];
  /** What the one number n of a size is: "edge of square matrices". */
  readonly meaning: string;
  /** Range of n that a calibration measures. */
  readonly smallest: number;
  readonly largest: number;
  /** Throws SHAPE_MISMATCH for an input that is none; left out: that is for the operation itself. */
  check?(input: Input): void;
  dtypeOf(input: Input): DType;
  sizeOf(n: number, dtype: DType): OpSize;
  sizeOfInput(input: Input): OpSize;
  /** Operands that a device which keeps them takes in place; left out: it takes none so. */
  keptOf?(input: Input): readonly DeviceArray<Numbers>[];
  sample(n: number, dtype: DType, random: Random): Input;
  /** What differs between results of two backends beyond the tolerance, in words; undefined: nothing. */
  difference(input: Input, a: Output, b: Output): string | undefined;
  /**
   * Whether a call that is late on a GPU may start on another device too (`hedgeOf`): it writes nowhere but to a result of its own.
   * Left out: never.
   */
  hedged?(input: Input): boolean;
  /** Files of its kernels outside this library: a stored calibration holds for these bytes only. */
  readonly kernelFiles?: readonly string[];
  /** How small calls are made one; left out: they are not. */
  readonly coalescing?: Coalescing<Input, Output>;
  /**
   * Why devices of a kind ("webgpu") cannot run it, for this input where there is one; undefined where they can. Default: WGSL
   * has no f64.
   */
  fault?(kind: string, dtype: DType, input?: Input): string | undefined;
  /**
   * Why a device that can run it takes it only where a rule names it, beside others that can; undefined where the router may choose
   * it. Left out: it may choose each.
   */
  ruleOnly?(device: string, others: readonly string[]): string | undefined;
}

/** Matrices of a batch in a calibration and in `router explain gpu.batchedMatmul N`. */
const BATCH_COUNT = 10;
const COORDINATE_COUNT = 3;

const ROUTED = [
  ...[matmul, halfMatmul].map((operation) =>
    routed<MatmulInput<Floats>>(operation, {
      meaning: 'edge of square matrices',
      dtypes: operation === halfMatmul ? (['f32'] as const) : FLOATS,
      smallest: 8,
      largest: 1024,
      check: (input) => checkProduct(operation, input),
      dtypeOf: ({ left }) => typeName(left),
      shapeOf: (n) => ({ operands: [n * n, n * n], out: n * n, size: { rowCount: n, innerCount: n, columnCount: n } }),
      shapeOfInput: ({ rowCount, innerCount, columnCount }) => ({
        operands: [rowCount * innerCount, innerCount * columnCount],
        out: rowCount * columnCount,
        size: { rowCount, innerCount, columnCount },
      }),
      inputOf: (n, [left, right]) =>
        ({ left, right, rowCount: n, innerCount: n, columnCount: n }) as MatmulInput<Floats>,
      agreement: withinOneProduct(operation.tolerance),
      // Devices multiply halves, which are other numbers than those that they keep.
      ...(operation === halfMatmul && { keptOf: () => [] }),
      ...(operation === matmul && { coalescing: asBatchedMatmul as Coalescing<MatmulInput<Floats>> }),
    }),
  ),
  routed<BatchedMatmulInput<Floats>>(batchedMatmul, {
    meaning: `edge of ${BATCH_COUNT} pairs of square matrices`,
    dtypes: FLOATS,
    smallest: 4,
    largest: 512,
    check: (input) => void checkMatmul(batchedMatmul.name, input),
    dtypeOf: ({ left }) => typeName(left),
    shapeOf: (n) => {
      const values = BATCH_COUNT * n * n;
      return { operands: [values, values], out: values, size: { groups: [squares(n)] } };
    },
    shapeOfInput: ({ left, right, groups }) => ({
      operands: [left.length, right.length],
      out: groups.reduce((total, one) => total + one.batchCount * one.rowCount * one.columnCount, 0),
      size: { groups },
    }),
    inputOf: (n, [left, right]) => ({ left, right, groups: [squares(n)] }) as BatchedMatmulInput<Floats>,
    // Each group is a job of its own, which takes a part.
    keptOf: (input) => (input.groups.length === 1 ? deviceArraysOf(input) : []),
    agreement: withinProduct(batchedMatmul.tolerance),
  }),
  ...[add, multiply].map((operation) =>
    routed<BinaryInput<Floats>>(operation, {
      ...values(({ left }) => left.length),
      check: (input) => checkElementwise(operation.name, input),
      dtypeOf: ({ left }) => typeName(left),
      inputOf: (_n, [left, right]) => ({ left, right }) as BinaryInput<Floats>,
      operandCount: 2,
      agreement: withinUlps(operation.tolerance),
      coalescing: concatenated(operation.name, (input) => checkElementwise(operation.name, input)) as Coalescing<
        BinaryInput<Floats>
      >,
    }),
  ),
  ...[square, sqrt, exp].map((operation) =>
    routed<UnaryInput<Floats>>(operation, {
      ...values(({ left }) => left.length),
      check: (input) => checkElementwise(operation.name, input),
      dtypeOf: ({ left }) => typeName(left),
      inputOf: (_n, [left]) => ({ left }) as UnaryInput<Floats>,
      operandCount: 1,
      agreement: withinUlps(operation.tolerance),
      coalescing: concatenated(operation.name, (input) => checkElementwise(operation.name, input)) as Coalescing<
        UnaryInput<Floats>
      >,
    }),
  ),
  ...[sum, mean, max, min].map((operation) =>
    routed<ReduceInput>(operation, {
      ...values(({ values: { length } }) => length, 'one'),
      check: (input) => checkReduce(operation.name, input),
      dtypeOf: (input) => typeName(input.values),
      inputOf: (_n, [only]) => ({ values: only }) as ReduceInput,
      operandCount: 1,
      agreement:
        operation === sum || operation === mean
          ? withinSum(operation.tolerance, operation === sum ? 'sum' : 'mean')
          : exactly,
    }),
  ),
  routed<XorInput>(xor, {
    ...values(({ left }) => left.length),
    meaning: 'bytes',
    dtypes: ['u8'],
    check: checkXor,
    dtypeOf: () => 'u8',
    inputOf: (_n, [left, right]) => ({ left, right }) as XorInput,
    operandCount: 2,
    agreement: exactly,
    coalescing: concatenated(xor.name, checkXor) as Coalescing<XorInput>,
  }),
  routed<DistanceInput<Floats>>(distance, {
    meaning: `points a side, of ${COORDINATE_COUNT} coordinates`,
    dtypes: FLOATS,
    smallest: 8,
    largest: 2048,
    check: checkDistance,
    dtypeOf: ({ left }) => typeName(left),
    shapeOf: (n) => ({
      operands: [n * COORDINATE_COUNT, n * COORDINATE_COUNT],
      out: n * n,
      size: { leftCount: n, rightCount: n, coordinateCount: COORDINATE_COUNT },
    }),
    shapeOfInput: ({ leftCount, rightCount, coordinateCount }) => ({
      operands: [leftCount * coordinateCount, rightCount * coordinateCount],
      out: leftCount * rightCount,
      size: { leftCount, rightCount, coordinateCount },
    }),
    inputOf: (n, [left, right]) =>
      ({ left, right, leftCount: n, rightCount: n, coordinateCount: COORDINATE_COUNT }) as DistanceInput<Floats>,
    agreement: withinDistance(distance.tolerance),
  }),
];

const BY_NAME = new Map<string, RoutedOperation>(ROUTED.map((one) => [one.operation.name, one]));

export function routedOperations(): readonly RoutedOperation[] {
  return [...BY_NAME.values()];
}

/** Makes an operation of another library known to all that route, calibrate and explain; one of the same name is replaced. */
export function registerOperation<Input, Output>(routed: RoutedOperation<Input, Output>): void {
  BY_NAME.set(routed.operation.name, routed as unknown as RoutedOperation);
}

/** Throws OPERATION_UNKNOWN, which lists those that there are. */
export function routedOperation(name: string): RoutedOperation {
  const found = BY_NAME.get(name);
  if (found === undefined) {
    throw fail('OPERATION_UNKNOWN', { operation: name, known: [...BY_NAME.keys()].sort().join(', ') });
  }
  return found;
}

/** Values by operand and of the result, and the size that the operation's work is counted by. */
interface Shape {
  readonly operands: readonly number[];
  readonly out: number;
  readonly size: object;
}

interface Declaration<Input> {
  readonly meaning: string;
  readonly dtypes: readonly DType[];
  readonly smallest: number;
  readonly largest: number;
  /** Operands that `inputOf` takes; default: those of the shape. */
  readonly operandCount?: 1 | 2;
  check(input: Input): void;
  dtypeOf(input: Input): DType;
  shapeOf(n: number, operandCount?: number): Shape;
  shapeOfInput(input: Input, operandCount?: number): Shape;
  inputOf(n: number, operands: readonly Numbers[]): Input;
  readonly agreement: Agreement<Input>;
  /** Default: all that are kept. */
  readonly keptOf?: (input: Input) => readonly DeviceArray<Numbers>[];
  readonly coalescing?: Coalescing<Input>;
}

function routed<Input>(operation: unknown, declaration: Declaration<Input>): RoutedOperation {
  const { meaning, dtypes, smallest, largest, operandCount, agreement, keptOf, coalescing } = declaration;
  const typed = operation as RoutedOperation<Input>['operation'];
  const sizeOf = ({ operands, out, size }: Shape, dtype: DType): OpSize => {
    const bytes = BYTES[dtype];
    return {
      work: typed.work(size as never),
      bytesIn: bytes * operands.reduce((total, count) => total + count, 0),
      bytesOut: bytes * out,
    };
  };
  const result: RoutedOperation<Input> = {
    operation: typed,
    meaning,
    dtypes,
    smallest,
    largest,
    check: (input) => declaration.check(input),
    dtypeOf: (input) => declaration.dtypeOf(input),
    sizeOf: (n, dtype) => sizeOf(declaration.shapeOf(n, operandCount), dtype),
    sizeOfInput: (input) => sizeOf(declaration.shapeOfInput(input, operandCount), declaration.dtypeOf(input)),
    sample: (n, dtype, random) =>
      declaration.inputOf(
        n,
        declaration.shapeOf(n, operandCount).operands.map((count) => numbers(count, dtype, random)),
      ),
    keptOf: keptOf ?? deviceArraysOf,
    hedged: (input) => (input as { readonly out?: unknown }).out === undefined,
    difference: (input, a, b) => agreement(input, a as Result, b as Result),
    ...(coalescing && { coalescing }),
  };
  return result as unknown as RoutedOperation;
}

function deviceArraysOf(input: unknown): DeviceArray<Numbers>[] {
  return Object.values(input as object).filter((value) => value instanceof DeviceArray);
}

/** Operations over n values. */
function values<Input>(
  lengthOf: (input: Input) => number,
  out: 'all' | 'one' = 'all',
): Pick<Declaration<Input>, 'meaning' | 'dtypes' | 'smallest' | 'largest' | 'shapeOf' | 'shapeOfInput'> {
  const shapeOf = (n: number, operandCount = 1): Shape => ({
    operands: Array.from({ length: operandCount }, () => n),
    out: out === 'all' ? n : 1,
    size: { n },
  });
  return {
    meaning: 'values',
    dtypes: FLOATS,
    smallest: 64,
    largest: 2 ** 22,
    shapeOf,
    shapeOfInput: (input, operandCount) => shapeOf(lengthOf(input), operandCount),
  };
}

const BYTES: Readonly<Record<DType, number>> = { f32: 4, f64: 8, u8: 1 };

/** Random values that are drawn: all operands repeat them, each from another place on, for nothing here depends on values. */
const DRAWN_COUNT = 65_521;
const drawnBy = new WeakMap<Random, Map<DType, Numbers>>();

function numbers(count: number, dtype: DType, random: Random): Numbers {
  const drawn = drawnValues(dtype, random);
  const result = arrayOf(dtype, count);
  let from = random.below(DRAWN_COUNT);
  for (let done = 0; done < count; from = 0) {
    const part = drawn.subarray(from, from + count - done);
    result.set(part as never, done);
    done += part.length;
  }
  return result;
}

function drawnValues(dtype: DType, random: Random): Numbers {
  let byType = drawnBy.get(random);
  if (byType === undefined) drawnBy.set(random, (byType = new Map()));
  let drawn = byType.get(dtype);
  if (drawn === undefined) {
    byType.set(dtype, (drawn = arrayOf(dtype, DRAWN_COUNT)));
    for (let i = 0; i < DRAWN_COUNT; i++) drawn[i] = dtype === 'u8' ? random.below(256) : random.uniform();
  }
  return drawn;
}

function arrayOf(dtype: DType, length: number): Numbers {
  return new { f32: Float32Array, f64: Float64Array, u8: Uint8Array }[dtype](length);
}

function squares(n: number): { batchCount: number; rowCount: number; innerCount: number; columnCount: number } {
  return { batchCount: BATCH_COUNT, rowCount: n, innerCount: n, columnCount: n };
}

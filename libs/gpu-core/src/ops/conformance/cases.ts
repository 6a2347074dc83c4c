import type { Random } from '@armilla/base';
import { distance } from '../distance/index.js';
import { add, exp, multiply, sqrt, square } from '../elementwise/index.js';
import type { Execution } from '../host/execution.js';
import type { Floats, Numbers } from '../host/operand.js';
import { batchedMatmul, halfMatmul, matmul } from '../matmul/index.js';
import { fromHalf, toHalf } from '../matmul/half.js';
import { referenceMatmul } from '../matmul/reference.js';
import { productsOf } from '../matmul/shape.js';
import { max, mean, min, sum } from '../reduce/index.js';
import { xor } from '../xor/index.js';
import { mostUlpsApart } from './ulp.js';

type Result = Numbers | number;

/** An operation with its inputs, and how far a result is from the reference in units of the declared tolerance. */
export interface Case {
  readonly name: string;
  readonly backends: Readonly<Record<string, unknown>>;
  readonly inputs: readonly object[];
  run(backend: string, execution: Execution, input: object): Promise<Result>;
  /** At most 1 where the result is within the tolerance. */
  excess(result: Result, reference: Result, input: object, backend: string): number;
}

const SPECIAL = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e-310, 1e-40, -1e-45, 3e38, 1.7e308, 710, -746, 88.8, -104];
const LENGTHS = [0, 1, 3, 4, 15, 16, 17, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 200_001];

const MATMUL_SHAPES = [
  [0, 3, 2],
  [3, 0, 2],
  [2, 3, 0],
  [1, 1, 1],
  [5, 7, 3],
  [4, 8, 8],
  [33, 257, 9],
  [129, 300, 261],
  [131, 513, 129],
];

export function conformanceCases(random: Random): Case[] {
  const types = [Float32Array, Float64Array] as const;
  const arrays = types.flatMap((type) => [...LENGTHS.map((n) => floats(random, type, n, 3)), special(type)]);
  return [
    ...[add, multiply, square, sqrt, exp].map((operation) =>
      caseOf(
        operation,
        arrays.map((left) => ({ left, right: turned(left) })),
        (result, reference, input, backend) => {
          const apart =
            backend === 'webgpu'
              ? mostUlpsApart(...withoutSubnormals(result as Floats, reference as Floats, input))
              : mostUlpsApart(result as Floats, reference as Floats);
          return apart === 0 ? 0 : apart / operation.tolerance[toleranceOf(reference as Floats, backend)];
        },
      ),
    ),
    ...[sum, mean, max, min].map((operation) =>
      caseOf(
        operation,
        arrays.filter(({ length }) => length > 0 || operation === sum).map((values) => ({ values })),
        (result, reference, { values }, backend) => {
          if (Object.is(result, reference)) return 0;
          const magnitude = values.reduce((total: number, value: number) => total + Math.abs(value), 0);
          const scale = operation === mean ? magnitude / values.length : magnitude;
          return (
            Math.abs(Number(result) - Number(reference)) / (operation.tolerance[toleranceOf(values, backend)] * scale)
          );
        },
      ),
    ),
    caseOf(
      xor,
      [...LENGTHS, 4_000_003].map((n) => ({ left: bytes(random, n), right: bytes(random, n) })),
      (result, reference) => (Buffer.compare(result as Uint8Array, reference as Uint8Array) === 0 ? 0 : Infinity),
    ),
    ...[matmul, halfMatmul].map((operation) =>
      caseOf(
        operation,
        (operation === matmul ? types : [Float32Array]).flatMap((type) =>
          MATMUL_SHAPES.map(([rowCount, innerCount, columnCount]) => ({
            left: floats(random, type, rowCount * innerCount, 2),
            right: floats(random, type, innerCount * columnCount, 2),
            rowCount,
            innerCount,
            columnCount,
          })),
        ),
        (result, reference, input) => {
          const round = (values: Floats): Floats =>
            operation === matmul ? values : fromHalf(toHalf(values as Float32Array));
          return matmulExcess(result as Floats, reference as Floats, {
            left: round(input.left),
            right: round(input.right),
            groups: [{ batchCount: 1, ...input }],
          });
        },
      ),
    ),
    caseOf(
      batchedMatmul,
      types.flatMap((type) =>
        [
          [[10, 32, 33, 31]],
          [[0, 3, 4, 5]],
          [
            [2, 3, 4, 5],
            [3, 0, 2, 2],
            [1, 140, 20, 270],
            [700, 4, 4, 4],
            [2, 2, 0, 3],
            [5, 1, 300, 1],
          ],
        ].map((shapes) => {
          const groups = shapes.map(([batchCount, rowCount, innerCount, columnCount]) => ({
            batchCount,
            rowCount,
            innerCount,
            columnCount,
          }));
          const total = (size: (group: (typeof groups)[0]) => number): number =>
            groups.reduce((values, group) => values + group.batchCount * size(group), 0);
          return {
            left: floats(
              random,
              type,
              total(({ rowCount, innerCount }) => rowCount * innerCount),
              2,
            ),
            right: floats(
              random,
              type,
              total(({ innerCount, columnCount }) => innerCount * columnCount),
              2,
            ),
            groups,
          };
        }),
      ),
      (result, reference, input) => matmulExcess(result as Floats, reference as Floats, input),
    ),
    caseOf(
      distance,
      types.flatMap((type) =>
        [
          [0, 5, 3],
          [5, 0, 3],
          [3, 4, 0],
          [1, 1, 1],
          [7, 17, 2],
          [70, 133, 3],
          [9, 600, 40],
          [300, 1001, 3],
        ].map(([leftCount, rightCount, coordinateCount]) => ({
          left: floats(random, type, leftCount * coordinateCount, 2),
          right: floats(random, type, rightCount * coordinateCount, 2),
          leftCount,
          rightCount,
          coordinateCount,
        })),
      ),
      (result, reference, { coordinateCount }, backend) => {
        const [got, expected] = [result as Floats, reference as Floats];
        const allowed = distance.tolerance[toleranceOf(expected, backend)] * (coordinateCount + 4);
        let most = 0;
        for (let i = 0; i < expected.length; i++) {
          if (!Object.is(got[i], expected[i]))
            most = Math.max(most, Math.abs(got[i] - expected[i]) / (allowed * expected[i]));
        }
        return most;
      },
    ),
  ];
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each operation has its own input type
type AnyInput = any;

function caseOf(
  operation: {
    readonly name: string;
    readonly backends: object;
    on(backend: never): (execution: Execution, input: AnyInput) => Promise<Result>;
  },
  inputs: readonly object[],
  excess: (result: Result, reference: Result, input: AnyInput, backend: string) => number,
): Case {
  return {
    name: operation.name,
    backends: operation.backends as Readonly<Record<string, unknown>>,
    inputs,
    run: (backend, execution, input) => operation.on(backend as never)(execution, input),
    excess,
  };
}

/** Against the bound of a sum in any order, which the sum of magnitudes gives. */
function matmulExcess(result: Floats, reference: Floats, { left, right, groups }: AnyInput): number {
  const magnitudes = new Float64Array(reference.length);
  referenceMatmul({ left: left.map(Math.abs), right: right.map(Math.abs), groups }, magnitudes);
  const unit = matmul.tolerance[typeOf(reference)];
  let most = 0;
  for (const { out, rowCount, innerCount, columnCount } of productsOf(groups)) {
    for (let at = out; at < out + rowCount * columnCount; at++) {
      if (Object.is(result[at], reference[at])) continue;
      most = Math.max(most, Math.abs(result[at] - reference[at]) / (unit * (innerCount + 2) * magnitudes[at]));
    }
  }
  return most;
}

function typeOf(values: Floats): 'f32' | 'f64' {
  return values instanceof Float32Array ? 'f32' : 'f64';
}

/** The name of the tolerance of a backend for numbers of that type. */
function toleranceOf(values: Floats, backend: string): string {
  return backend === 'webgpu' ? 'webgpuF32' : typeOf(values);
}

/** Results without those that a device may replace by zero: subnormal ones, and ones of subnormal operands. */
function withoutSubnormals(result: Floats, reference: Floats, { left, right }: AnyInput): [Floats, Floats] {
  const tiny = (value: number): boolean => value !== 0 && Math.abs(value) < 2 ** -126;
  const keep = (_: number, i: number): boolean => !tiny(left[i]) && !tiny(right[i]) && !tiny(reference[i]);
  return [result.filter(keep), reference.filter(keep)];
}

function floats(random: Random, type: typeof Float32Array | typeof Float64Array, n: number, scale: number): Floats {
  const values = new type(n);
  for (let i = 0; i < n; i++) values[i] = scale * random.normal();
  return values;
}

function bytes(random: Random, n: number): Uint8Array {
  const values = new Uint8Array(n);
  for (let i = 0; i < n; i++) values[i] = random.below(256);
  return values;
}

/** Every special value beside every other one, when it is the left operand and its `turned` copy the right one. */
function special(type: typeof Float32Array | typeof Float64Array): Floats {
  return type.from(SPECIAL.flatMap((value) => SPECIAL.map(() => value)));
}

/** The right operand: other values in the same order of magnitude. */
function turned(values: Floats): Floats {
  const n = SPECIAL.length;
  if (values.length !== n * n) return values.slice().reverse();
  return values.map((_, i) => values[(i % n) * n]);
}

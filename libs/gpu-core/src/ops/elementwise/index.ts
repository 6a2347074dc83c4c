import { defineOperation, type Operation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { mapInWasm } from '../host/map.js';
import { mapHere } from '../host/map-here.js';
import { type Floats, type Target, type Values, typeName, newArray, valuesOf } from '../host/operand.js';
import { checkLength, checkOut, checkOverlap, checkSameType, checkType, FLOATS } from '../host/shape.js';
import { PLAIN_LOOPS } from './plain.js';
import { type ElementwiseName, referenceElementwise } from './reference.js';
import { webgpuElementwise } from './webgpu.js';

export interface UnaryInput<T extends Floats> {
  readonly left: Values<T>; // [n]
  /** Where the result goes; default a new array; may be the operand. */
  readonly out?: Target<T>; // [n]
}

export interface BinaryInput<T extends Floats> extends UnaryInput<T> {
  readonly right: Values<T>; // [n]
}

export type UnaryRun = <T extends Floats>(execution: Execution, input: UnaryInput<T>) => Promise<T>;
export type BinaryRun = <T extends Floats>(execution: Execution, input: BinaryInput<T>) => Promise<T>;

/** n: values of the result. */
export type LengthSize = { readonly n: number };

/**
 * Units in the last place; of the backend 'webgpu' by itself, which may also take subnormal numbers for zero and give zero
 * for them. WGSL asks for correct rounding of sums and products only.
 */
interface Tolerance extends Readonly<Record<string, number>> {
  readonly f32: number;
  readonly f64: number;
  readonly webgpuF32: number;
}

const EXACT: Tolerance = { f32: 0, f64: 0, webgpuF32: 0 };

/** left + right; docs/operations/gpu.elementwise.md, as for all of them. */
export const add = elementwise<BinaryRun>('add', 1, EXACT);
/** left * right. */
export const multiply = elementwise<BinaryRun>('multiply', 1, EXACT);
/** left * left. */
export const square = elementwise<UnaryRun>('square', 1, EXACT);
/** Square root; NaN of negative values. */
export const sqrt = elementwise<UnaryRun>('sqrt', 2, { f32: 0, f64: 0, webgpuF32: 5 });
/** e to the power of the value. */
export const exp = elementwise<UnaryRun>('exp', 10, { f32: 1, f64: 2, webgpuF32: 4 });

function elementwise<Run extends BinaryRun | UnaryRun>(
  name: ElementwiseName,
  stepsPerValue: number,
  tolerance: Tolerance,
): Operation<Run, LengthSize> {
  const operation = `gpu.${name}`;
  const onThisThread =
    (compute: (left: Floats, right: Floats, out: Floats) => void) =>
    async <T extends Floats>(execution: Execution, input: BinaryInput<T> | UnaryInput<T>): Promise<T> => {
      const [left, right = left] = checkedOperands(operation, name, input);
      const out = input.out === undefined ? newArray(left, left.length) : valuesOf(input.out);
      const rest = mapHere<Floats>(execution, compute, valuesOf(left), valuesOf(right), out);
      if (rest !== undefined) await rest;
      return out;
    };
  const wasm = async <T extends Floats>(execution: Execution, input: BinaryInput<T> | UnaryInput<T>): Promise<T> => {
    const operands = checkedOperands(operation, name, input);
    const kernel = { folder: 'elementwise', name: name + typeName(operands[0]).toUpperCase() };
    return await mapInWasm(execution, kernel, operands, input.out);
  };
  const webgpu = async <T extends Floats>(execution: Execution, input: BinaryInput<T> | UnaryInput<T>): Promise<T> => {
    return await webgpuElementwise(execution, operation, name, checkedOperands(operation, name, input), input.out);
  };
  return defineOperation<Run, LengthSize>({
    name: operation,
    work: ({ n }) => stepsPerValue * n,
    tolerance,
    backends: {
      reference: onThisThread((left, right, out) => referenceElementwise(name, left, right, out)) as Run,
      typescript: onThisThread(PLAIN_LOOPS[name]) as Run,
      wasm: wasm as Run,
      webgpu: webgpu as Run,
    },
  });
}

/** Throws SHAPE_MISMATCH for operands of a call of `operation` ("gpu.add") that do not belong together. */
export function checkElementwise(operation: string, input: UnaryInput<Floats>): void {
  checkedOperands(operation, operation.slice('gpu.'.length) as ElementwiseName, input);
}

/** One or two operands of one type and length. Throws SHAPE_MISMATCH. */
function checkedOperands<T extends Floats>(
  operation: string,
  name: ElementwiseName,
  input: BinaryInput<T> | UnaryInput<T>,
): readonly [Values<T>] | readonly [Values<T>, Values<T>] {
  const { left, out } = input;
  checkType(operation, 'left', left, FLOATS);
  checkOut(operation, left, out, left.length, 'as left');
  if (name !== 'add' && name !== 'multiply') {
    checkOverlap(operation, out, [left], true);
    return [left];
  }
  const { right } = input as BinaryInput<T>;
  checkSameType(operation, left, 'right', right);
  checkLength(operation, 'right', right, left.length, 'as left');
  checkOverlap(operation, out, [left, right], true);
  return [left, right];
}

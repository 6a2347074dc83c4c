import { defineOperation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { mapInWasm } from '../host/map.js';
import { mapHere } from '../host/map-here.js';
import { type Target, type Values, valuesOf } from '../host/operand.js';
import { checkLength, checkOut, checkOverlap, checkSameType, checkType } from '../host/shape.js';
import { plainXor } from './plain.js';
import { referenceXor } from './reference.js';
import { webgpuXor } from './webgpu.js';

export interface XorInput {
  readonly left: Values<Uint8Array>; // [n]
  readonly right: Values<Uint8Array>; // [n]
  /** Where the result goes; default a new array; may be an operand. */
  readonly out?: Target<Uint8Array>; // [n]
}

export type XorRun = (execution: Execution, input: XorInput) => Promise<Uint8Array>;

const onThisThread =
  (compute: (left: Uint8Array, right: Uint8Array, out: Uint8Array) => void): XorRun =>
  async (execution, input) => {
    checkXor(input);
    const out = input.out === undefined ? new Uint8Array(input.left.length) : valuesOf(input.out);
    const rest = mapHere(execution, compute, valuesOf(input.left), valuesOf(input.right), out);
    if (rest !== undefined) await rest;
    return out;
  };

/** Exclusive or of bytes; docs/operations/gpu.xor.md. n: bytes. */
export const xor = defineOperation<XorRun, { readonly n: number }>({
  name: 'gpu.xor',
  work: ({ n }) => n,
  tolerance: { u8: 0 },
  backends: {
    reference: onThisThread(referenceXor),
    typescript: onThisThread(plainXor),
    webgpu: async (execution, input) => {
      checkXor(input);
      const out = input.out === undefined ? new Uint8Array(input.left.length) : valuesOf(input.out);
      await webgpuXor(execution, input.left, input.right, out);
      return out;
    },
    wasm: async (execution, input) => {
      checkXor(input);
      return await mapInWasm(execution, { folder: 'xor', name: 'xor' }, [input.left, input.right], input.out);
    },
  },
});

/** Throws SHAPE_MISMATCH. */
export function checkXor({ left, right, out }: XorInput): void {
  checkType('gpu.xor', 'left', left, ['u8']);
  checkSameType('gpu.xor', left, 'right', right);
  checkLength('gpu.xor', 'right', right, left.length, 'as left');
  checkOut('gpu.xor', left, out, left.length, 'as left');
  checkOverlap('gpu.xor', out, [left, right], true);
}

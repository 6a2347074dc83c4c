import type { Floats } from '../host/operand.js';
import type { ElementwiseName } from './reference.js';

type Loop = (left: Floats, right: Floats, out: Floats) => void;

/** A loop for each operation: one that calls the operation for each value is several times slower. */
export const PLAIN_LOOPS: Readonly<Record<ElementwiseName, Loop>> = {
  add: (left, right, out) => {
    for (let i = 0; i < out.length; i++) out[i] = left[i] + right[i];
  },
  multiply: (left, right, out) => {
    for (let i = 0; i < out.length; i++) out[i] = left[i] * right[i];
  },
  square: (left, _right, out) => {
    for (let i = 0; i < out.length; i++) out[i] = left[i] * left[i];
  },
  sqrt: (left, _right, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(left[i]);
  },
  exp: (left, _right, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.exp(left[i]);
  },
};

import type { Floats } from '../host/operand.js';

export type ElementwiseName = 'add' | 'multiply' | 'square' | 'sqrt' | 'exp';

/** Each in f64; f32 results are rounded once more when they are stored. */
export const EXPRESSIONS: Readonly<Record<ElementwiseName, (left: number, right: number) => number>> = {
  add: (left, right) => left + right,
  multiply: (left, right) => left * right,
  square: (left) => left * left,
  sqrt: (left) => Math.sqrt(left),
  exp: (left) => Math.exp(left),
};

export function referenceElementwise(name: ElementwiseName, left: Floats, right: Floats, out: Floats): void {
  const expression = EXPRESSIONS[name];
  for (let i = 0; i < out.length; i++) out[i] = expression(left[i], right[i]);
}

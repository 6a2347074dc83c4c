import { packRagged, unpackRagged } from '../batch/ragged.js';
import { type Numbers, type Target, typeOf, type Values, valuesOf } from './host/operand.js';
import { asBatch, type BatchedMatmulInput, checkMatmul, type MatmulGroup, type MatmulInput } from './matmul/shape.js';

/** How small calls of an operation are made one call, of any sizes, with the same results. */
export interface Coalescing<Input, Output = unknown> {
  /** Name of the operation that computes the batch. */
  readonly operation: string;
  /** Throws what the operation throws for a call that is none: it must not spoil a batch. */
  readonly check: (input: Input) => void;
  readonly join: (inputs: readonly Input[]) => object;
  /** The result of each input, each in memory of its own. */
  readonly split: (result: Output, inputs: readonly Input[]) => Output[];
}

/** Values of an operation over values, behind one another. */
interface ValuesInput {
  readonly left: Values<Numbers>;
  readonly right?: Values<Numbers>;
  readonly out?: Target<Numbers>;
}

/** Operations over values: as one over all of them. */
export function concatenated<Input extends ValuesInput>(
  operation: string,
  check: (input: Input) => void,
): Coalescing<Input, Numbers> {
  return {
    operation,
    check,
    join: (inputs) => ({
      left: joined(inputs.map(({ left }) => left)),
      ...(inputs[0].right !== undefined && { right: joined(inputs.map(({ right }) => right!)) }),
    }),
    split: (result, inputs) => parted(result, inputs, ({ left }) => left.length),
  };
}

/** Products of matrices: as a batch of them. */
export const asBatchedMatmul: Coalescing<MatmulInput<never>, Numbers> = {
  operation: 'gpu.batchedMatmul',
  check: (input) => void checkMatmul('gpu.matmul', asBatch(input)),
  join: (inputs): BatchedMatmulInput<never> => ({
    left: joined(inputs.map(({ left }) => left)) as never,
    right: joined(inputs.map(({ right }) => right)) as never,
    groups: groupsOf(inputs),
  }),
  split: (result, inputs) => parted(result, inputs, ({ rowCount, columnCount }) => rowCount * columnCount),
};

/** Neighbours of one shape are one group. */
function groupsOf(inputs: readonly MatmulInput<never>[]): MatmulGroup[] {
  const groups: { batchCount: number; rowCount: number; innerCount: number; columnCount: number }[] = [];
  for (const { rowCount, innerCount, columnCount } of inputs) {
    const last = groups.at(-1);
    if (last?.rowCount === rowCount && last.innerCount === innerCount && last.columnCount === columnCount)
      last.batchCount++;
    else groups.push({ batchCount: 1, rowCount, innerCount, columnCount });
  }
  return groups;
}

function joined(operands: readonly Values<Numbers>[]): Numbers {
  const type = typeOf(operands[0]) as new (length: number) => Numbers;
  return packRagged(operands.map(valuesOf), type).values;
}

function parted<Input extends Pick<ValuesInput, 'out'>>(
  result: Numbers,
  inputs: readonly Input[],
  lengthOf: (input: Input) => number,
): Numbers[] {
  const offsets = new Uint32Array(inputs.length + 1);
  inputs.forEach((input, i) => (offsets[i + 1] = offsets[i] + lengthOf(input)));
  return unpackRagged({ values: result, offsets }).map((part, i) => {
    const { out } = inputs[i];
    if (out === undefined) return part.slice();
    const target = valuesOf(out);
    target.set(part);
    return target;
  });
}

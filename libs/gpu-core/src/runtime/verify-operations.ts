import { Random } from '@armilla/base';
import type { DType, RoutedOperation } from '../ops/routing.js';
import { routedOperations } from '../ops/routing.js';
import type { Dispatcher } from './dispatcher.js';

/** What one device said to one operation, held against the reference. */
export interface OperationVerdict {
  /** "gpu.matmul f32" */
  readonly operation: string;
  /** Id of the device. */
  readonly device: string;
  /** The first difference beyond the operation's tolerance, or why the call failed; undefined: none. */
  readonly fault?: string;
}

/** Size of a call by the smallest of the operation: more than a strip or a workgroup of each kernel, and not even. */
const sizeFor = (smallest: number): number => 5 * smallest + 1;

/**
 * Runs every operation that is routed once on every device of the dispatcher and compares with the backend 'reference'. What
 * fails is a verdict too: the others are looked at all the same.
 */
export async function verifyOperations(dispatcher: Dispatcher, signal?: AbortSignal): Promise<OperationVerdict[]> {
  const verdicts: OperationVerdict[] = [];
  for (const routed of routedOperations() as unknown as readonly RoutedOperation<object>[]) {
    const { name } = routed.operation;
    for (const dtype of routed.dtypes as readonly DType[]) {
      const input = routed.sample(sizeFor(routed.smallest), dtype, new Random(5));
      const { runtime } = dispatcher;
      const expected = await routed.operation.on('reference')({ runtime, ...(signal && { signal }) }, input);
      for (const device of dispatcher.placesOf(name, dtype).devices) {
        let fault: string | undefined;
        try {
          const { value } = await dispatcher.run<unknown>(name, input, { device, signal });
          fault = routed.difference(input, value, expected);
        } catch (error) {
          signal?.throwIfAborted();
          fault = error instanceof Error ? error.message : String(error);
        }
        verdicts.push({ operation: `${name} ${dtype}`, device, ...(fault !== undefined && { fault }) });
      }
    }
  }
  return verdicts;
}

import type { Execution } from './execution.js';
import type { Numbers } from './operand.js';
import { Turns } from './turns.js';

/** Values between two looks at `turns`; a multiple of any alignment, so that parts lie in words as the whole does. */
const VALUES_AT_ONCE = 2 ** 16;

/**
 * Runs a loop that makes each value of the result from the values at the same place, by parts, on this thread. A short one has
 * ended when it returns; the promise of a long one throws the reason of the signal.
 */
export function mapHere<T extends Numbers>(
  { signal }: Execution,
  loop: (left: T, right: T, out: T) => void,
  left: T,
  right: T,
  out: T,
): Promise<void> | undefined {
  if (out.length > VALUES_AT_ONCE) return mapParts(loop, left, right, out, new Turns(signal));
  loop(left, right, out);
  return undefined;
}

async function mapParts<T extends Numbers>(
  loop: (left: T, right: T, out: T) => void,
  left: T,
  right: T,
  out: T,
  turns: Turns,
): Promise<void> {
  for (let from = 0; from < out.length; from += VALUES_AT_ONCE) {
    const part = (values: T): T => values.subarray(from, from + VALUES_AT_ONCE) as T;
    loop(part(left), part(right), part(out));
    // A value costs more than a step, the more so where it comes from memory.
    if (turns.due(4 * VALUES_AT_ONCE)) await turns.take();
  }
}

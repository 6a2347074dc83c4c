import { fileURLToPath } from 'node:url';
import type { Kernel, Phase } from '../../pool/work.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Execution } from './execution.js';
import type { Staging } from './staging.js';

export interface Loop {
  readonly kernel: Kernel;
  /** The exported function: (params, item, control, slot). */
  readonly name: string;
  /** Address of its parameters. */
  readonly params: number;
  readonly itemCount: number;
  /** Items that may start at once; default all. */
  readonly releasedCount?: number;
}

/** The kernel of an operation's folder, as tools/build-wasm.mjs builds it: plain, or with relaxed SIMD. */
export function kernelOf(runtime: Runtime, folder: string, file: 'kernel' | 'kernel.relaxed' = 'kernel'): Kernel {
  return runtime.kernel(fileURLToPath(new URL(`../../../build/ops/${folder}/${file}.wasm`, import.meta.url)));
}

/** Starts a parallel loop over the items on the workers of `execution`. */
export function startLoop({ runtime, workerCount, signal, fairKey }: Execution, staging: Staging, loop: Loop): Phase {
  return runtime.phase({ ...loop, heap: staging.heap, workerCount, signal, fairKey });
}

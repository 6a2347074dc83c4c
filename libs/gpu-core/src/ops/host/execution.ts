import type { Device } from '../../device/device.js';
import type { Runtime } from '../../runtime/runtime.js';

/** Where an operation runs. Nothing in here changes its result beyond the tolerance; the number of workers not a bit. */
export interface Execution {
  readonly runtime: Runtime;
  /** For the backend 'webgpu'. */
  readonly device?: Device;
  /** At most so many workers; default all of the runtime. */
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  /** Calls of one key share the workers as one with the calls of others. */
  readonly fairKey?: object;
}

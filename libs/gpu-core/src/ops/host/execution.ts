import type { Device } from '../../device/device.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { MatmulTile } from '../matmul/tiles.js';

/** Where an operation runs. Nothing in here changes its result beyond the tolerance; the number of workers not a bit. */
export interface Execution {
  readonly runtime: Runtime;
  /** For the backend 'webgpu'. */
  readonly device?: Device;
  /** Further devices, each as `device`, that take pieces of a call that is cut. */
  readonly alongside?: readonly Device[];
  /** Device memory that one piece of a call may take, bytes; default: the limits of the device. */
  readonly pieceBytes?: number;
  /** Longest wait of a job for device memory that others hold, ms; default that of the device. */
  readonly maxWaitMs?: number;
  /** Whose budget of device memory it takes; default "default". */
  readonly tenant?: string;
  /** Called when a piece was halved for want of device memory. */
  readonly onHalved?: () => void;
  /** How that device cuts matrix products; default 64 x 64 values of the result, 16 of the inner length. */
  readonly matmulTile?: MatmulTile;
  /** At most so many workers; default all of the runtime. */
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  /** Calls of one key share the workers as one with the calls of others. */
  readonly fairKey?: object;
}

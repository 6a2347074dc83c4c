import type { Random } from '@armilla/base';
import type { RouterDevice } from './device.js';
import type { Priors } from './priors.js';

export interface RouterOptions {
  readonly devices: readonly RouterDevice[];
  /** Rules "operation=device,..." of the environment; default: `ARMILLA_ROUTE`. They go before those of `config`. */
  readonly environment?: string;
  readonly config?: string;
  /** Names of all operations, for rules; default: any may come. */
  readonly operations?: readonly string[];
  /** Bytes that a device may still hand out; default: no limit. */
  readonly availableBytes?: (device: string) => number;
  /** Of these, bytes that a piece of a call takes that is cut; default: all. */
  readonly pieceBytes?: (device: string) => number;
  readonly priors?: Priors;
  /** Milliseconds; default `performance.now`. */
  readonly now?: () => number;
  readonly random?: Random;
  /** Decisions kept for `recent`; default 256. */
  readonly recentCapacity?: number;
  /** A device was found slower (factor > 1) or faster at an operation: time to calibrate it again. */
  readonly onChange?: (change: DeviceChange) => void;
}

export interface DeviceChange {
  readonly operation: string;
  readonly dtype: string;
  readonly device: string;
  readonly factor: number;
}

import type { ProblemJson } from '@armilla/base';
import '../memory/webassembly.js';

/** Int32 slots of the control block of a phase, in the heap. */
export const CONTROL = {
  /** Next item that nobody has taken. */
  next: 0,
  /** Items [0, released) may be taken. */
  released: 1,
  /** Not 0: stop. Kernels look at it every few thousand rows, by the address they get. */
  cancel: 2,
  byteLength: 64,
} as const;

export interface KernelMessage {
  readonly kind: 'kernel';
  readonly work: number;
  readonly kernelId: number;
  /** With the first use of a kernel and a heap by a worker. */
  readonly module?: WebAssembly.Module;
  readonly heapId: number;
  readonly memory?: WebAssembly.Memory;
  readonly name: string;
  /** Address of the parameters in the heap. */
  readonly params: number;
  /** Address of the control block. */
  readonly control: number;
  /** Place of the worker's private scratch memory. */
  readonly slot: number;
}

export interface CallMessage {
  readonly kind: 'call';
  readonly work: number;
  readonly url: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface DropMessage {
  readonly kind: 'drop';
  readonly heapIds: readonly number[];
  readonly collect: boolean;
}

export type WorkerMessage = KernelMessage | CallMessage | DropMessage;

export interface Reply {
  readonly work: number;
  /** Items that this slice finished. */
  readonly itemCount?: number;
  readonly value?: unknown;
  readonly problem?: ProblemJson;
}

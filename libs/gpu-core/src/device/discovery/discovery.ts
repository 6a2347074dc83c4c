import type { DeviceLimits } from '../device.js';

/** An adapter that a provider offers. */
export interface AdapterReport {
  /** Part of it selects the adapter (`gpu_devices`). */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  /** Computes on the CPU: for tests, never chosen by the router. */
  readonly software: boolean;
  /** Cards of this name; more than one cannot be told apart by name. */
  readonly count: number;
  readonly features: readonly string[];
  readonly limits: DeviceLimits;
}

/** What a provider offers here, or why it offers nothing. */
export interface ProviderReport {
  /** "webgpu", "kmamal", or what ARMILLA_GPU_PROVIDER says where nothing is called so. */
  readonly provider: string;
  /** The native module; undefined where it was not found. */
  readonly file?: string;
  readonly adapters: readonly AdapterReport[];
  /** Why there is no adapter, or which adapters it lists and does not give. */
  readonly reason?: string;
  /** The reason is a fault of a driver, which threw, ended the process or did not answer; that there is none is no such fault. */
  readonly faulty?: boolean;
}

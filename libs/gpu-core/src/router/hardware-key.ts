import { createHash } from 'node:crypto';
import { cpus } from 'node:os';
import { machineLimits } from '../machine/limits.js';

/** What measured times depend on. */
export interface HardwareKey {
  /** Name and driver of each device, in the order of the router's. */
  readonly devices: readonly string[];
  readonly cpuModel: string;
  readonly coreCount: number;
  readonly nodeVersion: string;
  /** Of the kernels' code. */
  readonly kernelHash: string;
}

/** The key of this machine; `devices` as "name, driver". */
export function hardwareKey(devices: readonly string[], kernelHash: string): HardwareKey {
  return {
    devices,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    coreCount: machineLimits().coreCount,
    nodeVersion: process.version,
    kernelHash,
  };
}

/** A GPU as the key names it. */
export function hardwareName({ name, description }: { readonly name: string; readonly description: string }): string {
  return `${name}, ${description}`;
}

/** Hash of the kernels' code, in the order given; hexadecimal. */
export function hashKernels(sources: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(`${source.length}:`).update(source);
  return hash.digest('hex').slice(0, 16);
}

/** "driver 1 -> driver 2" for each part that differs, or undefined if the keys are equal. */
export function keyDifference(stored: unknown, current: HardwareKey): string | undefined {
  const old = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>;
  const parts = Object.entries(current).flatMap(([name, value]) => {
    const before = JSON.stringify(old[name]);
    const after = JSON.stringify(value);
    return before === after ? [] : [`${name} ${before ?? 'missing'} -> ${after}`];
  });
  return parts.length > 0 ? parts.join(', ') : undefined;
}

/** Names the file of a machine: the parts that tell machines apart, not those that age. */
export function machineDigest(key: HardwareKey): string {
  const names = key.devices.map((device) => device.split(',')[0]);
  return createHash('sha256')
    .update(JSON.stringify([names, key.cpuModel]))
    .digest('hex')
    .slice(0, 16);
}

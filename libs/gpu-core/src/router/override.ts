import { fail } from '@armilla/base';
import { type KnownDevice, matchesDevice } from './device.js';

/** Operation ("*": every one) to the id or the kind of a device. */
export type Overrides = ReadonlyMap<string, string>;

const GPU = /^webgpu(:|$)/;
const RULE = /^([A-Za-z0-9_.*-]+)=([a-z][a-z0-9-]*(?::[A-Za-z0-9._-]+)?)$/;

/**
 * "gpu.matmul=webgpu:0,*=wasm": from the environment (`ARMILLA_ROUTE`) or the configuration. Throws CONFIG_INVALID that
 * lists every malformed, repeated or unknown part at once; a GPU that is not here is none of them.
 */
export function parseOverrides(text: string | undefined, where: string, devices: readonly KnownDevice[]): Overrides {
  const rules = new Map<string, string>();
  const faults: string[] = [];
  for (const part of (text ?? '').split(',').map((one) => one.trim())) {
    if (part === '') continue;
    const [, operation, device] = RULE.exec(part) ?? [];
    if (operation === undefined || (operation.includes('*') && operation !== '*'))
      faults.push(`'${part}' must be operation=device`);
    else if (rules.has(operation)) faults.push(`'${operation}' is given twice`);
    // A GPU may belong to another process for now: its rules wait for it.
    else if (GPU.test(device) && !devices.some((known) => matchesDevice(known, device))) continue;
    else if (!devices.some((known) => matchesDevice(known, device)))
      faults.push(`'${part}': no device '${device}' is here; known are ${devices.map(({ id }) => id).join(', ')}`);
    else rules.set(operation, device);
  }
  if (faults.length > 0) throw fail('CONFIG_INVALID', { detail: `${where}: ${faults.join('; ')}` });
  return rules;
}

/** Where an override came from. */
export type OverrideSource = 'request' | 'environment' | 'config';

import { fail } from '@armilla/base';

/** What the router knows of a device; it owns none. */
export interface RouterDevice {
  /** "typescript", "wasm:1", "wasm:2", "onnxruntime", "webgpu:0": kind, then what tells devices of one kind apart. */
  readonly id: string;
  /** Where its operands lie: "host" (default) or a memory of its own, for example its id. */
  readonly memory?: string;
  /** Devices with one queue take turns; default "cpu" for host memory, else the id. */
  readonly queue?: string;
  /** An emulated device, for example SwiftShader: chosen only by an override. */
  readonly software?: boolean;
}

/** A device with its defaults filled in. */
export interface KnownDevice {
  readonly id: string;
  readonly kind: string;
  readonly memory: string;
  readonly queue: string;
  readonly software: boolean;
}

/** Throws OPTION_INVALID for an empty list, an id that is malformed, or one that occurs twice. */
export function knownDevices(devices: readonly RouterDevice[]): KnownDevice[] {
  const seen = new Set<string>();
  if (devices.length === 0) throw fail('OPTION_INVALID', { field: 'devices', expected: 'at least one', got: 'none' });
  return devices.map((device) => {
    if (!DEVICE_ID.test(device.id) || seen.has(device.id)) {
      throw fail('OPTION_INVALID', {
        field: 'devices',
        expected: 'distinct ids such as wasm:2 or webgpu:0',
        got: `'${device.id}'${seen.has(device.id) ? ' twice' : ''}`,
      });
    }
    seen.add(device.id);
    const memory = device.memory ?? 'host';
    return {
      id: device.id,
      kind: device.id.split(':')[0],
      memory,
      queue: device.queue ?? (memory === 'host' ? 'cpu' : device.id),
      software: device.software ?? false,
    };
  });
}

/** "webgpu" names every device of that kind, "webgpu:0" one. */
export function matchesDevice(device: KnownDevice, name: string): boolean {
  return device.id === name || device.kind === name;
}

const DEVICE_ID = /^[a-z][a-z0-9-]*(:[A-Za-z0-9._-]+)?$/;

import { join } from 'node:path';
import type { Config, DeviceStatus } from '@armilla/chassis';
import {
  discover,
  Dispatcher,
  openDevices,
  type OpenDevice,
  type ProviderReport,
  readAdapters,
  type Runtime,
} from '@armilla/gpu-core';
import { describeAbsent, describeCpu, describeOpen } from './describe-devices.js';

/** The devices of a process, and what sends operations to them. */
export interface Compute extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  readonly openDevices: readonly OpenDevice[];
  /** Those that the process has, then those that it does not have and why. */
  devices(): DeviceStatus[];
}

type GpuConfig = Pick<Config, 'gpuDevices' | 'gpuShare' | 'route' | 'stateDirectory'>;

/**
 * Takes the devices that the configuration selects; that one cannot be had is told by `devices`. Throws CONFIG_INVALID for
 * gpu_devices and for a route that is malformed or names what is not there.
 */
export async function openCompute(runtime: Runtime, config: GpuConfig): Promise<Compute> {
  const adapters = readAdapters(config.gpuDevices);
  let reports: readonly ProviderReport[] = [];
  const gpus = await openDevices({
    adapters,
    share: config.gpuShare,
    discover: async () => (reports = await discover()),
  });
  try {
    const dispatcher = await Dispatcher.open(runtime, { devices: gpus.open, ...routerOptions(config) });
    const owner = `process ${process.pid}`;
    return {
      dispatcher,
      openDevices: gpus.open,
      devices: () => [
        ...describeCpu(dispatcher.router.devices, owner),
        ...gpus.open.map((one) => describeOpen(one, owner)),
        ...Object.entries(dispatcher.absent).map(([kind, absentReason]) => ({ kind, name: '', absentReason })),
        ...(adapters === 'none'
          ? [{ kind: 'webgpu', name: '', absentReason: 'none is wanted (gpu_devices)' }]
          : describeAbsent(reports, gpus.open, gpus.absent)),
      ],
      [Symbol.asyncDispose]: () => gpus[Symbol.asyncDispose](),
    };
  } catch (error) {
    await gpus[Symbol.asyncDispose]();
    throw error;
  }
}

/** `route` is read from ARMILLA_ROUTE as well: an explanation tells which of them it was, and a flag wins. */
export function routerOptions({ route, stateDirectory }: Pick<Config, 'route' | 'stateDirectory'>): {
  readonly route?: string;
  readonly environment: string;
  readonly stateFolder?: string;
} {
  const fromEnvironment = route === process.env.ARMILLA_ROUTE;
  return {
    ...(fromEnvironment ? { environment: route } : { route, environment: '' }),
    ...(stateDirectory !== '' && { stateFolder: join(stateDirectory, 'router') }),
  };
}

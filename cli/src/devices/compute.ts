import { join } from 'node:path';
import type { Config, DeviceStatus } from '@armilla/chassis';
import {
  type AbsentDevice,
  adapterOwners,
  chooseAdapters,
  describeOwners,
  discover,
  Dispatcher,
  hardwareName,
  type OpenDevice,
  openDevices,
  type ProviderReport,
  readAdapters,
  registerOperation,
  type Runtime,
} from '@armilla/gpu-core';
import { routedJoin } from '@armilla/sky';
import { describeAbsent, describeAdapter, describeCpu, describeOpen } from './describe-devices.js';
import { UntakenDevice } from './untaken-device.js';

/** The devices of a process, and what sends operations to them. */
export interface Compute extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  /** What the providers offer; none where none is wanted. */
  readonly reports: readonly ProviderReport[];
  /** What the process does not have, and why. */
  readonly absent: readonly AbsentDevice[];
  /** Those that the process has, then those that it does not have and why. */
  devices(): DeviceStatus[];
}

/** Known to the router of every process, whether or not it computes. */
registerOperation(routedJoin);

export type GpuConfig = Pick<
  Config,
  | 'gpuDevices'
  | 'gpuShare'
  | 'gpuMemoryLimitBytes'
  | 'gpuTenantMemoryBytes'
  | 'route'
  | 'shadowOneOf'
  | 'stateDirectory'
>;

/**
 * Takes the devices that the configuration selects; that one cannot be had is told by `devices`. Throws CONFIG_INVALID for
 * gpu_devices and for a route that is malformed or names what is not there, and the reason of `signal`.
 */
export async function openCompute(runtime: Runtime, config: GpuConfig, signal?: AbortSignal): Promise<Compute> {
  const adapters = readAdapters(config.gpuDevices);
  let reports: readonly ProviderReport[] = [];
  const gpus = await openDevices({
    adapters,
    share: config.gpuShare,
    ...(config.gpuMemoryLimitBytes > 0 && { memoryBytes: config.gpuMemoryLimitBytes }),
    ...(config.gpuTenantMemoryBytes > 0 && { tenantBytes: { '*': config.gpuTenantMemoryBytes } }),
    discover: async () => (reports = await discover(process.env, signal)),
    signal,
  });
  try {
    const dispatcher = await Dispatcher.open(runtime, {
      devices: gpus.open,
      // Also of those that another process has: what is measured beside it is of this machine.
      ...(adapters !== 'none' && { hardware: chooseAdapters(reports, adapters, []).map(hardwareName) }),
      ...(config.shadowOneOf > 0 && { shadowOneOf: config.shadowOneOf }),
      ...routerOptions(config),
    });
    const owner = `process ${process.pid}`;
    return {
      dispatcher,
      reports,
      absent: gpus.absent,
      devices: () => [
        ...describeCpu(dispatcher.router.devices, owner),
        ...gpus.open.map((one) => describeOpen(one, owner)),
        ...absentBackends(dispatcher),
        ...describeAbsent(adapters, reports, gpus),
      ],
      [Symbol.asyncDispose]: () => gpus[Symbol.asyncDispose](),
    };
  } catch (error) {
    await gpus[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The same without taking a device: for what asks and does not compute on them. Whoever holds them goes on, and may start
 * meanwhile. Throws what `openCompute` throws.
 */
export async function lookAtCompute(runtime: Runtime, config: GpuConfig): Promise<Compute> {
  const adapters = readAdapters(config.gpuDevices);
  const reports = adapters === 'none' ? [] : await discover();
  const absent: AbsentDevice[] = [];
  const chosen = adapters === 'none' ? [] : chooseAdapters(reports, adapters, absent);
  const provider = reports[0]?.provider ?? '';
  const open = chosen.map((adapter, i): OpenDevice => {
    return { id: `webgpu:${i}`, device: new UntakenDevice(provider, adapter), share: config.gpuShare };
  });
  const dispatcher = await Dispatcher.open(runtime, { devices: open, ...routerOptions(config) });
  return {
    dispatcher,
    reports,
    absent,
    devices: () => [
      ...describeCpu(dispatcher.router.devices, ''),
      ...chosen.map((adapter, i) => {
        const owner = describeOwners({ owners: adapterOwners(adapter.name) });
        return { id: `webgpu:${i}`, ...describeAdapter(provider, adapter), owner };
      }),
      ...absentBackends(dispatcher),
      ...describeAbsent(adapters, reports, { open, absent }),
    ],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function absentBackends({ absent }: Dispatcher): DeviceStatus[] {
  return Object.entries(absent).map(([kind, absentReason]) => ({ kind, name: '', absentReason }));
}

/** `route` is read from ARMILLA_ROUTE as well: an explanation tells which of them it was, and a flag wins. */
function routerOptions({ route, stateDirectory }: Pick<Config, 'route' | 'stateDirectory'>): {
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

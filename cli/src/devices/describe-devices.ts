import { cpus } from 'node:os';
import type { DeviceStatus } from '@armilla/chassis';
import type {
  AdapterReport,
  Devices,
  DeviceSelection,
  KnownDevice,
  OpenDevice,
  ProviderReport,
} from '@armilla/gpu-core';

/** Backends of the CPU, as the router knows them. */
export function describeCpu(devices: readonly KnownDevice[], owner: string): DeviceStatus[] {
  const name = cpus()[0]?.model.trim() ?? '';
  return devices.filter(({ memory }) => memory === 'host').map(({ id, kind }) => ({ id, kind, name, share: 1, owner }));
}

export function describeOpen({ id, device, share }: OpenDevice, owner: string): DeviceStatus {
  const { kind, provider, name, vendor, architecture, description, software, features, limits, timestamps, df64 } =
    device.info;
  const adapter = { kind, provider, name, vendor, architecture, description, software, features, limits };
  return { id, ...adapter, timestamps, df64, share, owner, lossCount: device.lossCount };
}

/** What is not there: providers without adapters, adapters that were not taken, and names that no adapter has. */
export function describeAbsent(
  adapters: DeviceSelection['adapters'],
  reports: readonly ProviderReport[],
  { open, absent }: Pick<Devices, 'open' | 'absent'>,
): DeviceStatus[] {
  if (adapters === 'none') return [{ kind: 'webgpu', name: '', absentReason: 'none is wanted (gpu_devices)' }];
  const reasons = new Map(absent.map(({ name, reason }) => [name, reason]));
  const taken = new Set(open.map(({ device }) => `${device.info.provider}/${device.info.name}`));
  const rows: DeviceStatus[] = [];
  for (const { provider, adapters: offered, reason } of reports) {
    reasons.delete(provider);
    if (offered.length === 0 || reason) rows.push({ kind: 'webgpu', provider, name: '', absentReason: reason });
    for (const adapter of offered) {
      if (taken.has(`${provider}/${adapter.name}`)) continue;
      const absentReason =
        provider === reports[0].provider
          ? (reasons.get(adapter.name) ?? 'it was not selected (gpu_devices)')
          : `ARMILLA_GPU_PROVIDER=${provider} selects this provider`;
      rows.push({ ...describeAdapter(provider, adapter), absentReason });
    }
    for (const { name } of offered) reasons.delete(name);
  }
  for (const [name, absentReason] of reasons) rows.push({ kind: 'webgpu', name, absentReason });
  return rows;
}

export function describeAdapter(provider: string, adapter: AdapterReport): DeviceStatus {
  const { name, vendor, architecture, description, software, features, limits, count } = adapter;
  return {
    kind: 'webgpu',
    provider,
    name,
    vendor,
    architecture,
    description: count > 1 ? `${description} (${count} cards of this name)` : description,
    software,
    features,
    limits,
    df64: 'not measured',
  };
}

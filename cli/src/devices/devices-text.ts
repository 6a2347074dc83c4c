import type { DeviceStatus } from '@armilla/chassis';
import { formatBytes } from '@armilla/base';

/** Devices for people: each with what is known of it, then what is not there and why. */
export function devicesText(devices: readonly DeviceStatus[]): string {
  const present = devices.filter(({ absentReason }) => !absentReason);
  const absent = devices.filter(({ absentReason }) => absentReason);
  return [
    'devices',
    ...present.flatMap((one) => [`  ${one.id ?? one.kind}: ${nameText(one)}`, ...factLines(one)]),
    ...(absent.length > 0 ? ['not there'] : []),
    ...absent.flatMap((one) => [`  ${absentName(one)}: ${one.absentReason}`, ...factLines(one)]),
  ].join('\n');
}

function nameText({ name, vendor, architecture, description }: DeviceStatus): string {
  const details = [vendor, architecture, description].filter((part) => part);
  return details.length > 0 ? `${name} (${details.join(', ')})` : name;
}

const absentName = (one: DeviceStatus): string =>
  [one.provider || (one.name === '' ? one.kind : ''), one.name && nameText(one)].filter((part) => part).join(' ');

function factLines(one: DeviceStatus): string[] {
  const { provider, software, owner, share = 0, df64, timestamps, lossCount = 0, limits, features = [] } = one;
  if (!limits) return [];
  const facts = [
    provider && `by ${provider}`,
    software && 'a software adapter',
    share > 0 && share < 1 && `${Math.round(100 * share)} % of it`,
    owner && owner,
    df64 && `df64 ${df64}`,
    timestamps && 'timestamps',
    lossCount > 0 && `lost and opened again ${lossCount} times`,
  ].filter((fact) => fact);
  return [
    `    ${facts.join('; ')}`,
    `    limits: buffer ${formatBytes(limits.maxBufferBytes)}, storage binding ${formatBytes(limits.maxStorageBindingBytes)}, ` +
      `uniform binding ${formatBytes(limits.maxUniformBindingBytes)}, ${limits.maxStorageBuffers} storage buffers, ` +
      `workgroups ${limits.maxWorkgroupsPerDimension} a dimension, of ${limits.maxInvocationsPerWorkgroup} invocations ` +
      `and ${formatBytes(limits.maxWorkgroupStorageBytes)}`,
    `    features: ${features.length > 0 ? [...features].sort().join(', ') : 'none'}`,
  ];
}

import { fail } from '@armilla/base';
import type { MemoryProbe, MemorySource } from './probe.js';

/** What this process may take of a device. */
export interface DeviceBudget {
  /** Undefined where nobody said: then only the device itself sets a limit. */
  readonly bytes: number | undefined;
  readonly source: 'configured' | MemorySource;
  readonly detail: string;
}

/** Share of a device's memory that is taken where nothing is configured: other programs and the driver need some. */
const DEFAULT_FRACTION = 0.8;

export type PressureLevel = 'low' | 'moderate' | 'high' | 'critical';

/** From this share of the budget on, idle memory is given back. */
export const CLEANUP_AT = 0.85;

/** The configured bytes, at most what the device has; else a share of what a probe saw; else unknown. */
export function deviceBudget(
  configuredBytes: number | undefined,
  probe: MemoryProbe,
  fraction = DEFAULT_FRACTION,
): DeviceBudget {
  if (configuredBytes !== undefined && !(configuredBytes > 0)) {
    throw fail('OPTION_INVALID', {
      field: 'budgetBytes',
      expected: 'a positive number of bytes',
      got: configuredBytes,
    });
  }
  const { totalBytes = Infinity } = probe;
  if (configuredBytes !== undefined && configuredBytes <= totalBytes) {
    return { bytes: configuredBytes, source: 'configured', detail: 'configured' };
  }
  if (configuredBytes !== undefined) {
    return { bytes: totalBytes, source: probe.source, detail: `configured more than the device has (${probe.detail})` };
  }
  const bytes = totalBytes === Infinity ? undefined : Math.floor(totalBytes * fraction);
  return { bytes, source: probe.source, detail: probe.detail };
}

/** Low below 60 %, moderate to 80 %, high to 90 %, critical above. */
export function pressureLevel(fraction: number): PressureLevel {
  if (fraction < 0.6) return 'low';
  if (fraction < 0.8) return 'moderate';
  return fraction <= 0.9 ? 'high' : 'critical';
}

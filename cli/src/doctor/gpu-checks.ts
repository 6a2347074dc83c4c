import { type Fault, type ProviderReport, usualFaults } from '@armilla/gpu-core';
import type { Check } from './check.js';

/**
 * What the providers of GPUs offer. That there is none is no fault: everything runs on the CPU. A card that is there and
 * cannot be used is one.
 */
export function gpuChecks(
  reports: readonly ProviderReport[],
  faults: readonly Fault[] = reports.length === 0 ? [] : usualFaults(reports),
): Check[] {
  return [
    ...reports.map(({ provider, adapters, reason }) => ({
      name: `GPU by ${provider}`,
      ok: true,
      seen: adapters.length === 0 ? `none (${reason})` : adapters.map(adapterText).join('; '),
    })),
    ...faults.map(({ seen, fix }) => ({ name: 'GPU', ok: false, seen, fix })),
  ];
}

function adapterText({ name, description, software }: ProviderReport['adapters'][number]): string {
  return `${name}${description === '' ? '' : ` (${description})`}${software ? ', a software adapter: only where its name is given' : ''}`;
}

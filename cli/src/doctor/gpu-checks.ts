import { type Fault, type ProviderReport, usualFaults } from '@armilla/gpu-core';
import type { Check } from './check.js';

/**
 * What the providers of GPUs offer. That there is none is no fault: everything runs on the CPU. A card that is there and
 * cannot be used is one, and so is a provider that the environment names and that cannot be loaded.
 */
export function gpuChecks(
  reports: readonly ProviderReport[],
  faults: readonly Fault[] = reports.length === 0 ? [] : usualFaults(reports),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Check[] {
  const named = ['ARMILLA_DAWN_NODE', 'ARMILLA_GPU_PROVIDER'].filter((name) => env[name]);
  return [
    // The first is the one that is loaded.
    ...reports.map(({ provider, file, adapters, reason }, i) => ({
      name: `GPU by ${provider}`,
      seen: adapters.length === 0 ? `none (${reason})` : adapters.map(adapterText).join('; '),
      ...(i === 0 && named.length > 0 && file === undefined
        ? { ok: false, fix: `correct what ${named.join(' and ')} says, or leave it out` }
        : { ok: true }),
    })),
    ...faults.map(({ seen, fix }) => ({ name: 'GPU', ok: false, seen, fix })),
  ];
}

function adapterText({ name, description, software }: ProviderReport['adapters'][number]): string {
  return `${name}${description === '' ? '' : ` (${description})`}${software ? ', a software adapter: only where its name is given' : ''}`;
}

import { type AbsenceCause, type AbsentDevice, type Fault, type ProviderReport, usualFaults } from '@armilla/gpu-core';
import type { Check } from './check.js';

const SELECTION = 'gpu_devices (ARMILLA_GPU_DEVICES)';
const DRIVER_FIX = `see to the driver of the card (install it again, or its latest version), then run armilla doctor again; to compute without it, set ${SELECTION} to none or to the names of others`;

/**
 * What the providers of GPUs offer. That there is none is no fault: everything runs on the CPU. A card that is there and
 * cannot be used is one, and so are a provider that the environment names and that cannot be loaded, and a driver that fails.
 */
export function gpuChecks(
  reports: readonly ProviderReport[],
  faults: readonly Fault[] = reports.length === 0 ? [] : usualFaults(reports),
  env: Readonly<Record<string, string | undefined>> = process.env,
): Check[] {
  const named = ['ARMILLA_DAWN_NODE', 'ARMILLA_GPU_PROVIDER'].filter((name) => env[name]);
  return [
    // The first is the one that is loaded.
    ...reports.map(({ provider, file, adapters, reason, faulty }, i) => ({
      name: `GPU by ${provider}`,
      seen: adapters.length === 0 ? `none (${reason})` : [...adapters.map(adapterText), reason ?? []].flat().join('; '),
      ...(i === 0 && named.length > 0 && file === undefined
        ? { ok: false, fix: `correct what ${named.join(' and ')} says, or leave it out` }
        : i === 0 && faulty
          ? { ok: false, fix: DRIVER_FIX }
          : { ok: true }),
    })),
    ...faults.map(({ seen, fix }) => ({ name: 'GPU', ok: false, seen, fix })),
  ];
}

/** What to do where something that is selected is no device; the other causes are no faults. */
const FIXES: Readonly<Partial<Record<AbsenceCause, string>>> = {
  failed: DRIVER_FIX,
  unclaimed: 'let this user write there, or set TMPDIR of every process that uses the GPU to a folder where it may',
  unmatched: `set ${SELECTION} to auto, to none, or to parts of the names of adapters that armilla status --local lists`,
};

export const isFault = ({ cause }: AbsentDevice): boolean => FIXES[cause] !== undefined;

/** Each selected adapter that gives no device, and each selected name that no adapter has: faults, all of them. */
export function absentChecks(absent: readonly AbsentDevice[]): Check[] {
  return absent.flatMap(({ name, cause, reason }) => {
    const fix = FIXES[cause];
    return fix === undefined ? [] : [{ name: `GPU ${name}`, ok: false, seen: reason, fix }];
  });
}

function adapterText({ name, description, software }: ProviderReport['adapters'][number]): string {
  return `${name}${description === '' ? '' : ` (${description})`}${software ? ', a software adapter: only where its name is given' : ''}`;
}

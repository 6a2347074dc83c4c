import { type OperationVerdict, verifyOperations } from '@armilla/gpu-core';
import { verifyKernels } from '@armilla/sky';
import type { Compute } from '../devices/compute.js';
import type { Check } from './check.js';
import { isFault } from './gpu-checks.js';

const REPORT =
  'please report it with the output of armilla doctor --json: results of this kernel cannot be trusted here';

/** Every kernel against its reference, on the processor and on the GPUs that this process has; why it has not the others, faults apart. */
export async function kernelChecks({ dispatcher, absent, devices }: Compute, signal?: AbortSignal): Promise<Check[]> {
  const verdicts = await verifyKernels(dispatcher.runtime, dispatcher.devices);
  const faulty = new Set(absent.filter(isFault).map(({ name }) => name));
  return [
    ...verdicts.map(({ kernel, ok, detail }) => checkOf(`kernel ${kernel}`, ok, detail)),
    ...operationChecks(await verifyOperations(dispatcher, signal)),
    ...devices().flatMap(({ name, software, absentReason }) =>
      absentReason === undefined || name === '' || software || faulty.has(name)
        ? []
        : [{ name: `kernels on ${name}`, ok: true, seen: `not tried: ${absentReason}` }],
    ),
  ];
}

/** One check a device where all is well, and one for each operation that is not. */
function operationChecks(verdicts: readonly OperationVerdict[]): Check[] {
  return [...new Set(verdicts.map(({ device }) => device))].flatMap((id) => {
    const mine = verdicts.filter(({ device }) => device === id);
    const bad = mine.filter(({ fault }) => fault !== undefined);
    const good = `${mine.length - bad.length} operations agree with their reference`;
    return [
      ...(bad.length < mine.length ? [checkOf(`kernels on ${id}`, true, good)] : []),
      ...bad.map(({ operation, fault = '' }) => checkOf(`kernel ${operation} on ${id}`, false, fault)),
    ];
  });
}

function checkOf(name: string, ok: boolean, seen: string): Check {
  return ok ? { name, ok, seen } : { name, ok, seen, fix: REPORT };
}

import { Breakdown, fail, type Problem, toProblem, whenAborted } from '@armilla/base';
import type { Device } from './device.js';
import { discover } from './discovery/discover.js';
import type { AdapterReport, ProviderReport } from './discovery/discovery.js';
import { Claim, describeOwners, type Owner, ownersOf } from './ownership.js';
import { WebGpuDevice } from './webgpu/webgpu-device.js';

export interface DeviceSelection {
  /**
   * "auto": every adapter that is no software; "none"; or parts of the names of adapters, also of software ones, one device
   * for each. Cards of one name cannot be told apart: one process a card, by the environment of the driver.
   */
  readonly adapters: 'auto' | 'none' | readonly string[];
  /** Part of each device that this process takes, (0, 1]; default 1. */
  readonly share?: number;
  /** Memory of each device that this process may take, bytes, before its share; default: what a probe tells. */
  readonly memoryBytes?: number;
  /** Memory of a tenant on each device, bytes; "*" is that of each one that is not named; default: no budget of its own. */
  readonly tenantBytes?: Readonly<Record<string, number>>;
  /** Where processes leave their claims; default: in the system's temporary folder. */
  readonly claimFolder?: string;
  readonly discover?: (signal?: AbortSignal) => Promise<readonly ProviderReport[]>;
  /** Ends the opening, also where a driver hangs: what was opened is closed, what opens later too. */
  readonly signal?: AbortSignal;
}

/** A device that this process has. */
export interface OpenDevice {
  /** "webgpu:0": what router, profiles and messages call it. */
  readonly id: string;
  readonly device: Device;
  readonly share: number;
}

/**
 * "no-adapter": a provider offers none; "not-named": a software adapter, which only its name selects; "unmatched": a name that is
 * selected and that no adapter has; "held": another process has it; "unclaimed": no claim of it can be left; "failed": it was
 * selected, and gave no device.
 */
export type AbsenceCause = 'no-adapter' | 'not-named' | 'unmatched' | 'held' | 'unclaimed' | 'failed';

/** An adapter, provider or name of the selection that this process does not have, and why. */
export interface AbsentDevice {
  readonly name: string;
  readonly cause: AbsenceCause;
  /** For people. */
  readonly reason: string;
}

/** The devices of a process; closing gives back their claims. */
export interface Devices extends AsyncDisposable {
  readonly open: readonly OpenDevice[];
  readonly absent: readonly AbsentDevice[];
}

/**
 * Opens what is selected. That something cannot be had is no error: it is listed as absent, and work goes to the CPU. Throws the
 * reason of `signal` only.
 */
export async function openDevices(selection: DeviceSelection): Promise<Devices> {
  const { adapters, share = 1, memoryBytes, tenantBytes, signal } = selection;
  signal?.throwIfAborted();
  const open: (OpenDevice & { claim: Claim })[] = [];
  const absent: AbsentDevice[] = [];
  const aborted = new Breakdown();
  using _listening = whenAborted(signal, () => aborted.tell(signal?.reason));
  const look = selection.discover ?? ((stop) => discover(process.env, stop));
  const wanted = adapters === 'none' ? [] : chooseAdapters(await aborted.orBroken(look(signal)), adapters, absent);
  for (const { name } of wanted) {
    let claim: Claim | undefined;
    try {
      const taken = await Claim.take(claimName(name), {
        share,
        ...(selection.claimFolder && { folder: selection.claimFolder }),
      });
      if (!(taken instanceof Claim)) {
        const reason = `it is in use: ${describeOwners(taken)}; gpu_share lets processes share it`;
        absent.push({ name, cause: 'held', reason });
        continue;
      }
      claim = taken;
      const opening = WebGpuDevice.open({
        adapter: name,
        name,
        share,
        ...(memoryBytes !== undefined && { memoryBytes }),
        ...(tenantBytes && { tenantBytes }),
      });
      const device = await aborted.orBroken(opening).catch((error: unknown) => {
        // Nobody waits for one that comes late.
        if (signal?.aborted) opening.then((late) => late.close()).catch(() => undefined);
        throw error;
      });
      open.push({ id: `webgpu:${open.length}`, device, share, claim });
    } catch (error) {
      claim?.[Symbol.dispose]();
      if (signal?.aborted) break;
      const cause = claim === undefined ? 'unclaimed' : 'failed';
      absent.push({ name, cause, reason: toProblem(error).message });
    }
  }
  const close = async (): Promise<void> => {
    for (const { device, claim } of open) {
      await device.close();
      claim[Symbol.dispose]();
    }
  };
  if (signal?.aborted) {
    await close();
    throw signal.reason;
  }
  return { open, absent, [Symbol.asyncDispose]: close };
}

/** Adapters of the provider that is loaded that the selection takes, in its order; what it asks for and cannot have goes to `absent`. */
export function chooseAdapters(
  reports: readonly ProviderReport[],
  adapters: 'auto' | readonly string[],
  absent: AbsentDevice[],
): AdapterReport[] {
  // The first is the one that is loaded.
  const report = reports.find((one) => one === reports[0] && one.adapters.length > 0);
  if (report === undefined) {
    for (const { provider, adapters: offered, reason } of reports)
      if (offered.length === 0)
        absent.push({ name: provider, cause: 'no-adapter', reason: reason ?? 'it offers no adapter' });
    if (adapters !== 'auto')
      for (const name of adapters)
        absent.push({ name, cause: 'unmatched', reason: 'no adapter has this name: there is none that can be taken' });
    return [];
  }
  if (adapters === 'auto') {
    for (const { name, software } of report.adapters)
      if (software)
        absent.push({
          name,
          cause: 'not-named',
          reason: 'a software adapter: it computes on the CPU, and is taken by name only',
        });
    return report.adapters.filter(({ software }) => !software);
  }
  return adapters.flatMap((part) => {
    const found = report.adapters.find(({ name }) => name.toLowerCase().includes(part.toLowerCase()));
    if (found !== undefined) return [found];
    const names = report.adapters.map(({ name }) => name).join(', ');
    absent.push({ name: part, cause: 'unmatched', reason: `no adapter has this name; there are: ${names}` });
    return [];
  });
}

/** Who computes on the adapter now. */
export function adapterOwners(name: string, claimFolder?: string): readonly Owner[] {
  return ownersOf(claimName(name), claimFolder);
}

/** Processes that see different cards of one name do not share them. */
function claimName(name: string): string {
  const { NVIDIA_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES, MESA_VK_DEVICE_SELECT } = process.env;
  return [name, NVIDIA_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES, MESA_VK_DEVICE_SELECT].filter(Boolean).join(' ');
}

/** Reads the setting gpu_devices: "auto", "none" or names with commas between. Throws CONFIG_INVALID. */
export function readAdapters(text: string): DeviceSelection['adapters'] {
  if (text === 'auto' || text === 'none') return text;
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw invalid(text);
  return names;
}

function invalid(text: string): Problem {
  return fail('CONFIG_INVALID', {
    detail: `gpu_devices: expected auto, none, or parts of adapter names with commas between, got '${text}'`,
  });
}

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import type { ProviderReport } from './discovery.js';

/** What the machine shows of its cards without any driver's help. */
export interface CardTraces {
  /** The kernel driver of NVIDIA is loaded (/proc/driver/nvidia). */
  readonly nvidiaDriver: boolean;
  /** Render nodes (/dev/dri/renderD*), and whether this user may open each. */
  readonly renderNodes: readonly { readonly path: string; readonly allowed: boolean }[];
  /** Files that name Vulkan drivers. */
  readonly vulkanDrivers: readonly string[];
}

export interface Fault {
  readonly seen: string;
  readonly fix: string;
}

const DRIVER_FOLDERS = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];

/** Why a card that is there may not be seen; an empty list where nothing is amiss or no card is there. */
export function usualFaults(reports: readonly ProviderReport[], traces: CardTraces = readTraces()): Fault[] {
  const adapters = reports.flatMap((report) => report.adapters);
  const faults: Fault[] = [];
  if (traces.nvidiaDriver && !adapters.some(({ vendor }) => vendor === 'nvidia')) {
    faults.push({
      seen: `the driver of NVIDIA is loaded, but Vulkan offers no NVIDIA adapter (drivers listed: ${traces.vulkanDrivers.join(', ') || 'none'})`,
      fix: 'in a container, give it the graphics capability (NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics or all) and install libvulkan1; on a host, install the driver with its Vulkan part (nvidia_icd.json)',
    });
  }
  const denied = traces.renderNodes.filter(({ allowed }) => !allowed).map(({ path }) => path);
  if (denied.length > 0) {
    faults.push({
      seen: `this user may not open ${denied.join(', ')}`,
      fix: 'add the user to the group of the file (usually render or video), or give the container the device',
    });
  }
  const hidden = traces.renderNodes.length > denied.length && !traces.nvidiaDriver;
  if (hidden && denied.length === 0 && adapters.every(({ software }) => software)) {
    faults.push({
      seen: `there is a card (${traces.renderNodes[0].path}), but Vulkan offers no adapter of it`,
      fix: 'install its Vulkan driver (Debian and Ubuntu: mesa-vulkan-drivers) and libvulkan1',
    });
  }
  for (const { name, count } of adapters) {
    if (count > 1) {
      faults.push({
        seen: `${count} cards are called ${name}: they cannot be told apart by name`,
        fix: 'run one process a card, each with its own NVIDIA_VISIBLE_DEVICES, or MESA_VK_DEVICE_SELECT on Mesa',
      });
    }
  }
  return faults;
}

function readTraces(): CardTraces {
  const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
  return {
    nvidiaDriver: existsSync('/proc/driver/nvidia/version'),
    renderNodes: list('/dev/dri')
      .filter((name) => name.startsWith('renderD'))
      .map((name) => ({ path: `/dev/dri/${name}`, allowed: mayOpen(`/dev/dri/${name}`) })),
    vulkanDrivers: DRIVER_FOLDERS.flatMap((folder) => list(folder).filter((name) => name.endsWith('.json'))),
  };
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    // Refused: that is the answer.
    return false;
  }
}

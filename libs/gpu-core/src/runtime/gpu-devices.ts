import { fail } from '@armilla/base';
import type { Device } from '../device/device.js';
import type { OpenDevice } from '../device/open-devices.js';
import type { PressureLevel } from '../memory/device/budget.js';
import type { MemoryStats } from '../memory/device/device-memory.js';
import type { LeakReport } from '../memory/device/leaks.js';
import type { MemoryNews } from '../memory/device/snapshot.js';
import { CLEANUP_AT } from '../memory/device/budget.js';
import type { DeviceArray } from '../ops/host/device-array.js';
import type { Execution } from '../ops/host/execution.js';
import type { Numbers } from '../ops/host/operand.js';
import { PIECES_AHEAD } from '../ops/host/pieces.js';
import type { Decision } from '../router/decision.js';
import type { Operand } from '../router/size.js';
import type { Profiler } from '../profile/profiler.js';
import { TracedDevice } from './traced-device.js';

/** What want of memory did to calls. */
export interface MemoryStages {
  /** Pieces that were halved. */
  halvedCount: number;
  /** Calls that went to another device. */
  elsewhereCount: number;
  /** Calls that no other device could take: they waited. */
  waitedCount: number;
}

/** The memory of a device, as its thread told last. Plain data. */
export interface DeviceMemoryView {
  readonly device: string;
  /** "unknown" before the first news, and where nothing tells what the device has. */
  readonly level: PressureLevel | 'unknown';
  readonly stats: MemoryStats | undefined;
  readonly leaks: readonly LeakReport[];
  readonly calls: Readonly<MemoryStages>;
}

/** What size classes may add to a piece. */
const CLASS_RATIO = 1.25;

interface Held {
  readonly open: OpenDevice;
  readonly traced: TracedDevice;
  readonly stages: MemoryStages;
  news: MemoryNews | undefined;
}

/** The devices of a dispatcher: what runs on them is traced, their memory is counted in the profile. */
export class GpuDevices {
  readonly #held = new Map<string, Held>();

  constructor(open: readonly OpenDevice[], profiler: Profiler) {
    for (const one of open) {
      const { id, device } = one;
      const tracks = (['requested', 'used', 'reserved'] as const).map((name) => ({
        field: `${name}Bytes` as const,
        track: profiler.track(`memory.${name}`, id, 'bytes'),
      }));
      const pressure = profiler.track('memory.pressure', id, 'percent');
      const stages = { halvedCount: 0, elsewhereCount: 0, waitedCount: 0 };
      const traced = new TracedDevice(device, id, profiler);
      const held: Held = { open: one, traced, stages, news: undefined };
      device.watchMemory?.((news) => {
        held.news = news;
        for (const { field, track } of tracks) profiler.count(track, news.sample[field]);
        if (news.sample.pressure !== undefined) profiler.count(pressure, 100 * news.sample.pressure);
      });
      this.#held.set(id, held);
    }
  }

  get traced(): OpenDevice[] {
    return [...this.#held.values()].map(({ open, traced }) => ({ ...open, device: traced }));
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Throws OPTION_INVALID, which names those that there are. */
  deviceOf(id: string): Device {
    const held = this.#held.get(id);
    if (held !== undefined) return held.traced;
    const known = [...this.#held.keys()].join(', ');
    const expected = known === '' ? 'left out: no device with memory of its own is open' : `one of ${known}`;
    throw fail('OPTION_INVALID', { field: 'device', expected, got: `'${id}'` });
  }

  /** Those of the operands that one of the devices keeps, and where. */
  placesOf(operands: readonly DeviceArray<Numbers>[]): Operand[] {
    return operands.flatMap(({ resident }) => {
      const keeper = [...this.#held].find(([, { open }]) => open.device.holds(resident));
      if (keeper === undefined) return [];
      const [id, { open }] = keeper;
      // One that was spilled is uploaded again.
      const isThere = open.device.hasUploaded?.(resident) ?? true;
      return [{ bytes: resident.byteLength, at: isThere ? ['host', id] : ['host'] }];
    });
  }

  /** A call has ended: devices that had no memory for it are told so. */
  count({ chosen, refused }: Decision, waited: boolean): void {
    const held = this.#held.get(chosen);
    if (waited && held !== undefined) held.stages.waitedCount++;
    for (const { device, reason } of refused) {
      const other = this.#held.get(device);
      if (reason === 'memory' && other !== undefined) other.stages.elsewhereCount++;
    }
  }

  /** Bytes that a call may take on the device now; Infinity where nobody knows. */
  availableBytes(id: string): number {
    return this.#held.get(id)?.open.device.roomBytes ?? Infinity;
  }

  /** Of these, what one piece of a call takes that is cut: several are on the device at a time. */
  pieceBytes(id: string): number {
    return this.availableBytes(id) / (PIECES_AHEAD * CLASS_RATIO);
  }

  /**
   * How a call of so many bytes runs on the device: cut to what there is room for now and refused where there is none, or,
   * where it waits, cut to what the device has in all.
   */
  execution(id: string, bytes: number, waits: boolean): Partial<Execution> {
    const held = this.#held.get(id);
    if (held === undefined) return {};
    const available = waits ? this.#capacityBytes(held) : this.availableBytes(id);
    const cut = bytes > available;
    const pieceBytes = available / (PIECES_AHEAD * CLASS_RATIO);
    return {
      device: held.traced,
      onHalved: () => void held.stages.halvedCount++,
      ...(!waits && { maxWaitMs: 0 }),
      ...(cut && { pieceBytes, alongside: this.#alike(held, pieceBytes) }),
    };
  }

  view(): DeviceMemoryView[] {
    return [...this.#held.values()].map(({ open, news, stages }) => ({
      device: open.id,
      level: news?.level ?? 'unknown',
      stats: news?.stats,
      leaks: news?.leaks ?? [],
      calls: { ...stages },
    }));
  }

  #capacityBytes({ news }: Held): number {
    const { budget, stagingBytes = 0 } = news?.stats ?? {};
    return CLEANUP_AT * (budget?.bytes ?? Infinity) - stagingBytes;
  }

  /** Other devices of the same make, which give the same bits, with room for such pieces. */
  #alike(held: Held, pieceBytes: number): Device[] {
    const { name, description } = held.open.device.info;
    return [...this.#held.values()]
      .filter(({ open }) => open !== held.open && this.pieceBytes(open.id) >= pieceBytes)
      .filter(({ open: { device } }) => device.info.name === name && device.info.description === description)
      .map(({ traced }) => traced);
  }
}

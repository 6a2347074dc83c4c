import { fail } from '@armilla/base';
import type { Job, Resident } from '../device.js';
import type { KeptBytes, ThreadMessage } from './messages.js';
import { copyShared } from './shared-bytes.js';

interface Entry {
  readonly kept: KeptBytes;
  readonly resident: Resident;
  /** Jobs that have it now. */
  userCount: number;
  released: boolean;
  /** On the device, by its last news. */
  isThere: boolean;
}

/** What the host has of the data that stays on a device: a copy of each, from which a new thread or device has it again. */
export class HostResidents {
  readonly #entries = new Map<number, Entry>();

  constructor(private readonly post: (message: ThreadMessage) => void) {}

  keep(id: number, data: ArrayBufferView, label: string, tenant: string): Resident {
    const bytes = copyShared(data);
    const resident: Resident = {
      id,
      label,
      byteLength: data.byteLength,
      data: new Uint8Array(bytes.buffer),
      [Symbol.dispose]: () => {
        entry.released = true;
        this.#endUnused(entry);
      },
    };
    const kept = { label, tenant, bytes, site: new Error(label).stack };
    const entry: Entry = { kept, resident, userCount: 0, released: false, isThere: false };
    this.#entries.set(id, entry);
    this.post({ kind: 'keep', id, kept });
    return resident;
  }

  holds(resident: Resident): boolean {
    const entry = this.#entries.get(resident.id);
    // Numbers of residents are those of one device.
    return entry?.resident === resident && !entry.released;
  }

  /** Whether the device has it now, by its last news. */
  isThere(resident: Resident): boolean {
    return this.holds(resident) && this.#entries.get(resident.id)?.isThere === true;
  }

  moved(id: number, isThere: boolean): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.isThere = isThere;
  }

  /** The device was lost, and all that was there. */
  lost(): void {
    for (const entry of this.#entries.values()) entry.isThere = false;
  }

  /** Until the end of a job its residents stay, also those that are disposed of meanwhile. Throws INTERNAL for others. */
  use({ label, buffers }: Job): Disposable {
    const used: Entry[] = [];
    for (const [name, buffer] of Object.entries(buffers)) {
      if (buffer.kind !== 'resident') continue;
      if (!this.holds(buffer.resident)) {
        const why = 'it is used after its end, or on another device than its own';
        throw fail('INTERNAL', { detail: `job ${label}, buffer ${name}: resident ${buffer.resident.label}: ${why}` });
      }
      used.push(this.#entries.get(buffer.resident.id) as Entry);
    }
    for (const entry of used) entry.userCount++;
    return {
      [Symbol.dispose]: () => {
        for (const entry of used.splice(0)) {
          entry.userCount--;
          this.#endUnused(entry);
        }
      },
    };
  }

  /** To a thread that begins. */
  tellAll(): void {
    for (const [id, { kept }] of this.#entries) this.post({ kind: 'keep', id, kept });
  }

  #endUnused(entry: Entry): void {
    const { id } = entry.resident;
    if (!entry.released || entry.userCount > 0) return;
    if (this.#entries.delete(id)) this.post({ kind: 'forget', id });
  }
}

import { fail, formatBytes } from '@armilla/base';

/** Room that is promised before a call runs; leases that name it count against it. */
export interface Reservation extends Disposable {
  readonly tenant: string;
  readonly byteLength: number;
  /** Bytes of it that are not leased now. */
  readonly leftBytes: number;
}

/**
 * Who may take how much: the leases of a tenant and what it was promised beyond them stay within its budget. Bytes are
 * those of blocks.
 */
export class Tenants {
  readonly #reservations = new Set<OpenReservation>();

  /** `leasedBytes` is what a tenant holds, `budget` what it may (undefined: no budget of its own). */
  constructor(
    private readonly leasedBytes: (tenant: string) => number,
    private readonly budget: (tenant: string) => number | undefined = () => undefined,
  ) {}

  budgetBytes(tenant: string): number {
    return this.budget(tenant) ?? Infinity;
  }

  /** Promised and not leased, bytes: of all, or of one tenant. */
  promisedBytes(tenant?: string): number {
    let bytes = 0;
    for (const entry of this.#reservations) {
      if (tenant === undefined || entry.tenant === tenant) bytes += entry.leftBytes;
    }
    return bytes;
  }

  /** Throws MEMORY_OVER_LIMIT where the tenant may never take so much. */
  check(tenant: string, byteLength: number): void {
    const limit = this.budgetBytes(tenant);
    if (byteLength > limit) {
      throw fail('MEMORY_OVER_LIMIT', { needed: formatBytes(byteLength), limit: formatBytes(limit), tenant });
    }
  }

  /** False where the budget of the tenant forbids so much more, beyond what `reservation` promised, for now. */
  allows(tenant: string, byteLength: number, reservation?: Reservation): boolean {
    const beyond = Math.max(0, byteLength - (reservation?.leftBytes ?? 0));
    return this.leasedBytes(tenant) + this.promisedBytes(tenant) + beyond <= this.budgetBytes(tenant);
  }

  promise(tenant: string, byteLength: number, onEnd: () => void): Reservation {
    const reservation = new OpenReservation(tenant, byteLength, () => {
      this.#reservations.delete(reservation);
      onEnd();
    });
    this.#reservations.add(reservation);
    return reservation;
  }

  /** A lease was taken out of the reservation; the result is to be called when it is given back. */
  charge(reservation: Reservation, blockBytes: number): () => void {
    const entry = reservation as OpenReservation;
    entry.chargedBytes += blockBytes;
    return () => (entry.chargedBytes -= blockBytes);
  }
}

class OpenReservation implements Reservation {
  chargedBytes = 0;
  #open = true;

  constructor(
    readonly tenant: string,
    readonly byteLength: number,
    private readonly onEnd: () => void,
  ) {}

  get leftBytes(): number {
    return this.#open ? Math.max(0, this.byteLength - this.chargedBytes) : 0;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.onEnd();
  }
}

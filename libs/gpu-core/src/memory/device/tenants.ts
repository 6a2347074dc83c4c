import { fail, formatBytes } from '@armilla/base';

/** Room that is promised before a call runs; leases that name it count against it. */
export interface Reservation extends Disposable {
  readonly byteLength: number;
  /** Bytes of it that are not leased now. */
  readonly leftBytes: number;
}

/** Bytes by the tenant whose budget they count for. */
export type Shares = ReadonlyMap<string, number>;

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
    for (const entry of this.#reservations) bytes += tenant === undefined ? entry.leftBytes : entry.leftBytesOf(tenant);
    return bytes;
  }

  /** What the reservation has left for leases of `tenant`, bytes. */
  leftBytes(tenant: string, reservation: Reservation | undefined): number {
    return (reservation as OpenReservation | undefined)?.leftBytesOf(tenant) ?? 0;
  }

  /** Leased out of the reservation, bytes. */
  chargedBytes(reservation: Reservation | undefined): number {
    return (reservation as OpenReservation | undefined)?.chargedBytes ?? 0;
  }

  /** What the tenant may take now, bytes. */
  freeBytes(tenant: string): number {
    return Math.max(0, this.budgetBytes(tenant) - this.leasedBytes(tenant) - this.promisedBytes(tenant));
  }

  /** Throws MEMORY_OVER_LIMIT where a tenant may never take so much. */
  check(shares: Shares): void {
    for (const [tenant, byteLength] of shares) {
      if (byteLength <= this.budgetBytes(tenant)) continue;
      throw fail('MEMORY_OVER_LIMIT', { needed: formatBytes(byteLength), limit: this.limitOf(tenant), tenant });
    }
  }

  /** As refusals tell it. */
  limitOf(tenant: string): string {
    return `${formatBytes(this.budgetBytes(tenant))} that tenant ${tenant} may take`;
  }

  /** The first whose budget forbids so much more, beyond what `reservation` promised, for now. */
  overBudget(shares: Shares, reservation?: Reservation): string | undefined {
    for (const [tenant, byteLength] of shares) {
      const beyond = Math.max(0, byteLength - this.leftBytes(tenant, reservation));
      // A block may be larger than what was promised for it: that is held against later promises only.
      if (beyond === 0) continue;
      const bytes = this.leasedBytes(tenant) + this.promisedBytes(tenant) + beyond;
      if (bytes > this.budgetBytes(tenant)) return tenant;
    }
    return undefined;
  }

  promise(shares: Shares, onEnd: () => void): Reservation {
    const reservation = new OpenReservation(shares, () => {
      this.#reservations.delete(reservation);
      onEnd();
    });
    this.#reservations.add(reservation);
    return reservation;
  }

  /** A lease was taken out of the reservation; the result is to be called when it is given back. */
  charge(reservation: Reservation, tenant: string, blockBytes: number): () => void {
    const entry = reservation as OpenReservation;
    entry.charge(tenant, blockBytes);
    return () => entry.charge(tenant, -blockBytes);
  }
}

/** Budgets by name, "*" of those that are not named, as `tenantBudgetBytes`. */
export function tenantBudgets(bytes: Readonly<Record<string, number>>): (tenant: string) => number | undefined {
  return (tenant) => (Object.hasOwn(bytes, tenant) ? bytes[tenant] : bytes['*']);
}

class OpenReservation implements Reservation {
  chargedBytes = 0;
  readonly #charged = new Map<string, number>();
  #open = true;

  constructor(
    private readonly shares: Shares,
    private readonly onEnd: () => void,
  ) {}

  get byteLength(): number {
    let bytes = 0;
    for (const share of this.shares.values()) bytes += share;
    return bytes;
  }

  get leftBytes(): number {
    let bytes = 0;
    for (const tenant of this.shares.keys()) bytes += this.leftBytesOf(tenant);
    return bytes;
  }

  leftBytesOf(tenant: string): number {
    if (!this.#open) return 0;
    return Math.max(0, (this.shares.get(tenant) ?? 0) - (this.#charged.get(tenant) ?? 0));
  }

  charge(tenant: string, bytes: number): void {
    this.chargedBytes += bytes;
    this.#charged.set(tenant, (this.#charged.get(tenant) ?? 0) + bytes);
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    this.onEnd();
  }
}

import { fail, formatBytes, Gate, isProblem, type Problem } from '@armilla/base';
import { CLEANUP_AT, type DeviceBudget } from './budget.js';
import type { BufferSource, Fence } from './buffer-source.js';
import { type Clock, systemClock } from './clock.js';
import { Estimates } from './estimates.js';
import type { LeaseRecord } from './ledger.js';
import type { DeviceLease } from './lease.js';
import { DevicePool, type DevicePoolOptions } from './pool.js';
import type { PoolStats } from './pool-stats.js';
import { ReleaseRate } from './release-rate.js';
import { Residents } from './residents.js';
import { type MemoryGrant, type MemoryRequest, StageLog, type StageName, type StageReport } from './stages.js';
import { type Reservation, Tenants } from './tenants.js';
import { type Attempt, WaitingLine } from './waiting-line.js';

export interface DeviceMemoryOptions extends Omit<DevicePoolOptions, 'limitBytes' | 'onRelease'> {
  readonly budget: DeviceBudget;
  /** Budget of a tenant, bytes; undefined is none of its own. */
  readonly tenantBudgetBytes?: (tenant: string) => number | undefined;
  /** Each stage of each clean-up and request that did not fit at once. */
  readonly onStage?: (report: StageReport) => void;
}

export interface MemoryStats extends PoolStats {
  readonly budget: DeviceBudget;
  /** Reserved / budget; undefined where the budget is unknown. */
  readonly pressure: number | undefined;
  readonly promisedBytes: number;
  readonly residentCount: number;
  readonly spillableBytes: number;
  readonly waitingCount: number;
  /** How often each stage was come to. */
  readonly stages: Readonly<Record<StageName, number>>;
}

const DEFAULT_WAIT_MS = 30_000;
/** Pause before the device is asked again for what it refused. */
const RETRY_MS = 100;
const SLAB_BYTES = 64 * 2 ** 20;
const LEAST_SLAB_BYTES = 2 ** 16;

/**
 * The memory of one device: a pool within a budget. A request that does not fit below 85 % of it goes through stages:
 * idle buffers are given back, the least valuable residents spilled to the host, the chunk is halved, the work sent to
 * the CPU, or it waits; then it is refused, with a hint when to try again.
 */
export class DeviceMemory {
  readonly pool: DevicePool;
  readonly residents: Residents;
  readonly estimates = new Estimates();
  readonly #tenants: Tenants;
  readonly #line: WaitingLine;
  readonly #clock: Clock;
  readonly #rate: ReleaseRate;
  /** Spills go one after another: two would give up twice as much as one needs. */
  readonly #spilling = new Gate(1);
  #awaitedEpoch = 0;
  readonly #stages: StageLog;

  constructor(
    source: BufferSource,
    private readonly fence: Fence,
    private readonly options: DeviceMemoryOptions,
  ) {
    this.#clock = options.clock ?? systemClock;
    // Slabs of a small budget are small: there is one at least for each set of usage flags.
    const share = 2 ** Math.floor(Math.log2((options.budget.bytes ?? Infinity) / 16));
    this.pool = new DevicePool(source, fence, {
      ...options,
      slabBytes: Math.min(options.slabBytes ?? SLAB_BYTES, Math.max(LEAST_SLAB_BYTES, share)),
      limitBytes: () => this.#limitBytes(),
      onRelease: (record) => this.#released(record),
    });
    this.residents = new Residents(this.#clock, () => void this.#spillForLine());
    this.#tenants = new Tenants((tenant) => this.pool.ledger.bytesByTenant.get(tenant) ?? 0, options.tenantBudgetBytes);
    this.#line = new WaitingLine(this.#clock);
    this.#rate = new ReleaseRate(this.#clock);
    this.#stages = new StageLog(this.#clock, options.onStage);
  }

  get budget(): DeviceBudget {
    return this.options.budget;
  }

  /**
   * Memory for the request, after as many stages as it takes. Throws MEMORY_OVER_LIMIT where it can never fit,
   * MEMORY_EXHAUSTED (with `retry_seconds` where that can be told) where it does not now, and the signal's reason.
   */
  async acquire(request: MemoryRequest, reservation?: Reservation): Promise<MemoryGrant> {
    const stages: StageReport[] = [];
    request.signal?.throwIfAborted();
    const smallest = Math.min(request.smallestBytes ?? request.byteLength, request.byteLength);
    let bytes = request.byteLength;
    try {
      this.#check(request.tenant ?? 'default', this.pool.blockBytesOf(smallest));
    } catch (error) {
      if (request.cpuPossible !== true) throw error;
      stages.push(this.#stages.add('cpu', request, 0));
      return { place: 'cpu', stages };
    }
    const granted = (lease: DeviceLease): MemoryGrant => ({ place: 'device', lease, byteLength: bytes, stages });
    const attempt = (): Promise<DeviceLease | undefined> => this.#confirmed(this.#attempt(request, bytes, reservation));

    if (this.#line.mustWait(request.tenant ?? 'default')) {
      // What the ones before wait for is not there for this one either.
      if (smallest < bytes && request.cpuPossible !== true) {
        bytes = smallest;
        stages.push(this.#stages.add('chunk', request, 0, { chunkBytes: bytes }));
      }
    } else {
      let lease = (await attempt()) ?? (await this.#makeRoom(request, bytes, reservation, attempt, stages));
      while (!lease && bytes / 2 >= smallest) {
        bytes = Math.ceil(bytes / 2);
        stages.push(this.#stages.add('chunk', request, 0, { chunkBytes: bytes }));
        lease = await attempt();
      }
      if (lease) return granted(lease);
    }
    if (request.cpuPossible === true) {
      stages.push(this.#stages.add('cpu', request, 0));
      return { place: 'cpu', stages };
    }
    return granted(await this.#queue(request, bytes, reservation, stages));
  }

  /**
   * Promises room to a call before it runs: spills residents for it, else waits as `acquire` does. Throws MEMORY_OVER_LIMIT
   * where it can never fit, MEMORY_EXHAUSTED and the signal's reason.
   */
  async reserve(request: Omit<MemoryRequest, 'usage'>): Promise<Reservation> {
    const { tenant = 'default', byteLength, maxWaitMs = DEFAULT_WAIT_MS, signal } = request;
    const asked: MemoryRequest = { ...request, usage: 0 };
    this.#check(tenant, byteLength);
    const attempt = (): Attempt<Reservation> => {
      if (!this.#tenants.allows(tenant, byteLength)) return 'tenant over its budget';
      if (!this.#hasRoom(byteLength)) return 'full';
      return { value: this.#tenants.promise(tenant, byteLength, () => this.#line.pump()) };
    };
    let reserved = this.#line.mustWait(tenant) ? undefined : attempt();
    if (typeof reserved === 'string' && this.residents.spillableBytes > 0) {
      await this.#spilling.enter(signal);
      try {
        reserved = attempt();
        if (typeof reserved === 'string') {
          await this.#spill(asked, byteLength, reserved === 'full' ? undefined : tenant);
          reserved = attempt();
        }
      } finally {
        this.#spilling.leave();
      }
    }
    if (typeof reserved === 'object') return reserved.value;
    this.#stages.add('queue', asked, 0);
    const waiting = this.#line.wait(tenant, byteLength, attempt, maxWaitMs, signal);
    void this.#spillForLine();
    const later = await waiting;
    if (later) return later;
    throw this.#refusal(asked, byteLength, []);
  }

  /** Promises what calls of the operation took so far (`estimates`), else `fallbackBytes`; at most what there is. */
  reserveAsBefore(
    request: Omit<MemoryRequest, 'usage' | 'byteLength'>,
    work: number,
    fallbackBytes: number,
  ): Promise<Reservation> {
    const limit = Math.min(this.#tenants.budgetBytes(request.tenant ?? 'default'), this.budget.bytes ?? Infinity);
    // An estimate is no reason to refuse what may fit.
    const byteLength = Math.min(this.estimates.predict(request.label, work) ?? fallbackBytes, limit);
    return this.reserve({ ...request, byteLength });
  }

  /** Bytes that a call may take now without anyone's waiting; undefined where the budget is unknown. */
  get roomBytes(): number | undefined {
    if (this.budget.bytes === undefined) return undefined;
    const held = this.pool.usedBytes - this.residents.spillableBytes + this.#tenants.promisedBytes();
    return Math.max(0, Math.floor(this.budget.bytes * CLEANUP_AT) - held);
  }

  /**
   * True where a block for so many bytes would stay below 85 % of the budget, idle memory and what can be spilled given
   * back; whoever is alone may take all of it.
   */
  canAllocate(byteLength: number, tenant = 'default'): boolean {
    const blockBytes = this.pool.blockBytesOf(byteLength);
    if (!this.#tenants.allows(tenant, blockBytes)) return false;
    return this.#hasRoom(blockBytes - this.residents.spillableBytes);
  }

  /** Trims and spills until no more than `keepBytes` are reserved; default 85 % of the budget. */
  async cleanup(keepBytes = (this.budget.bytes ?? Infinity) * CLEANUP_AT): Promise<StageReport[]> {
    const excessBytes = (): number => this.pool.reservedBytes - keepBytes;
    const excess = excessBytes();
    if (excess <= 0) return [];
    const request = { byteLength: excess, usage: 0, label: 'cleanup', tenant: 'default' };
    const reports = [this.#stages.add('trim', request, this.pool.trim(excess))];
    const left = excessBytes();
    if (left > 0 && this.residents.spillableBytes > 0) reports.push(await this.#spill(request, left));
    this.pool.trim(Math.max(0, excessBytes()));
    this.#line.pump();
    return reports;
  }

  stats(): MemoryStats {
    const pool = this.pool.stats();
    const { bytes } = this.budget;
    return {
      ...pool,
      budget: this.budget,
      pressure: bytes === undefined ? undefined : pool.reservedBytes / bytes,
      promisedBytes: this.#tenants.promisedBytes(),
      residentCount: this.residents.count,
      spillableBytes: this.residents.spillableBytes,
      waitingCount: this.#line.length,
      stages: { ...this.#stages.counts },
    };
  }

  /** 85 % of the budget; all of it for whoever is alone. */
  #limitBytes(): number {
    const { bytes = Infinity } = this.budget;
    return this.pool.ledger.liveCount === 0 ? bytes : bytes * CLEANUP_AT;
  }

  #hasRoom(byteLength: number): boolean {
    return this.pool.usedBytes + this.#tenants.promisedBytes() + byteLength <= this.#limitBytes();
  }

  #check(tenant: string, byteLength: number): void {
    this.#tenants.check(tenant, byteLength);
    const { bytes = Infinity } = this.budget;
    if (byteLength > bytes) {
      throw fail('MEMORY_OVER_LIMIT', { needed: formatBytes(byteLength), limit: formatBytes(bytes) });
    }
  }

  #attempt(request: MemoryRequest, bytes: number, reservation: Reservation | undefined): Attempt<DeviceLease> {
    const tenant = request.tenant ?? 'default';
    const blockBytes = this.pool.blockBytesOf(bytes);
    if (!this.#tenants.allows(tenant, blockBytes, reservation)) return 'tenant over its budget';
    const beyond = Math.max(0, blockBytes - (reservation?.leftBytes ?? 0));
    if (beyond > 0 && this.#tenants.promisedBytes() > 0 && !this.#hasRoom(beyond)) return 'full';
    let uncharge: (() => void) | undefined;
    try {
      const lease = this.pool.lease(bytes, request.usage, request.label, {
        tenant,
        sameQueue: request.sameQueue,
        site: request.site,
        onRelease: () => uncharge?.(),
      });
      if (reservation) uncharge = this.#tenants.charge(reservation, lease.blockBytes);
      return { value: lease };
    } catch (error) {
      if (isProblem(error) && error.reason === 'MEMORY_EXHAUSTED') return 'full';
      throw error;
    }
  }

  /** The lease, once the device has really given it. */
  async #confirmed(attempt: Attempt<DeviceLease>): Promise<DeviceLease | undefined> {
    if (typeof attempt === 'string') return undefined;
    const lease = attempt.value;
    try {
      await lease.confirmed();
      return lease;
    } catch (error) {
      lease[Symbol.dispose]();
      if (isProblem(error) && error.reason === 'MEMORY_EXHAUSTED') return undefined;
      throw error;
    }
  }

  async #makeRoom(
    request: MemoryRequest,
    bytes: number,
    reservation: Reservation | undefined,
    attempt: () => Promise<DeviceLease | undefined>,
    stages: StageReport[],
  ): Promise<DeviceLease | undefined> {
    // A tenant over its own budget is not helped by what is idle, nor by the residents of others.
    const own = request.tenant ?? 'default';
    const tenant = this.#tenants.allows(own, this.pool.blockBytesOf(bytes), reservation) ? undefined : own;
    let lease: DeviceLease | undefined;
    if (tenant === undefined) {
      stages.push(this.#stages.add('trim', request, this.pool.trim(bytes)));
      lease = await attempt();
    }
    if (lease || this.residents.spillableBytes === 0) return lease;
    await this.#spilling.enter(request.signal);
    try {
      // Whoever was before may have freed enough.
      lease = await attempt();
      if (lease) return lease;
      stages.push(await this.#spill(request, bytes, tenant));
    } finally {
      this.#spilling.leave();
    }
    lease = await attempt();
    if (lease || tenant !== undefined) return lease;
    this.pool.trim(bytes);
    return attempt();
  }

  async #spill(request: MemoryRequest, bytes: number, tenant?: string): Promise<StageReport> {
    let freedBytes = 0;
    let problem: string | undefined;
    try {
      freedBytes = await this.residents.spill(bytes, tenant);
      await this.fence.reached(this.fence.epochOfLastSubmit);
    } catch (error) {
      // The resident stays where it is; the next stage may still help.
      problem = error instanceof Error ? error.message : String(error);
    }
    return this.#stages.add('spill', request, freedBytes, { problem });
  }

  async #queue(
    request: MemoryRequest,
    bytes: number,
    reservation: Reservation | undefined,
    stages: StageReport[],
  ): Promise<DeviceLease> {
    const tenant = request.tenant ?? 'default';
    const endMs = this.#clock.now() + (request.maxWaitMs ?? DEFAULT_WAIT_MS);
    const attempt = (): Attempt<DeviceLease> => {
      const first = this.#attempt(request, bytes, reservation);
      if (first !== 'full' || this.pool.trim(bytes) === 0) return first;
      return this.#attempt(request, bytes, reservation);
    };
    stages.push(this.#stages.add('queue', request, 0));
    for (;;) {
      // Where nobody can give anything back, a wait would be for nothing.
      const hopeless = this.pool.usedBytes + this.pool.pendingBytes + this.#tenants.promisedBytes() === 0;
      const waitMs = hopeless ? 0 : Math.max(0, endMs - this.#clock.now());
      this.#pumpAtFence();
      void this.#spillForLine();
      const lease = await this.#line.wait(tenant, bytes, attempt, waitMs, request.signal);
      if (lease === undefined) throw this.#refusal(request, bytes, stages);
      if (await this.#confirmed({ value: lease })) return lease;
      if (waitMs === 0) throw this.#refusal(request, bytes, stages);
      // The device refuses though the books say yes: other programs use it as well.
      await new Promise<void>((resolve) => this.#clock.after(Math.min(RETRY_MS, waitMs), resolve));
      this.pool.trim(bytes);
    }
  }

  /** Residents that come free while others wait are theirs. */
  async #spillForLine(): Promise<void> {
    if (this.#line.length === 0 || this.residents.spillableBytes === 0) return;
    await this.#spilling.enter();
    try {
      for (let next = this.#line.next(); next && this.residents.spillableBytes > 0; next = this.#line.next()) {
        const request = { byteLength: next.byteLength, usage: 0, label: 'queue', tenant: next.tenant };
        const own = next.ownFault ? next.tenant : undefined;
        const { freedBytes } = await this.#spill(request, next.byteLength, own);
        if (freedBytes === 0) break;
        this.#line.pump();
      }
    } finally {
      this.#spilling.leave();
    }
  }

  #refusal(request: MemoryRequest, bytes: number, stages: StageReport[]): Problem {
    stages.push(this.#stages.add('refuse', request, 0));
    const limit = this.#limitBytes();
    const available = limit - this.pool.usedBytes - this.#tenants.promisedBytes();
    const retrySeconds = this.#rate.secondsFor(bytes);
    return fail('MEMORY_EXHAUSTED', {
      needed: formatBytes(bytes),
      available: limit === Infinity ? 'too little' : formatBytes(Math.max(0, available)),
      limit: limit === Infinity ? 'what the device has' : formatBytes(limit),
      tenant: request.tenant ?? 'default',
      label: request.label,
      ...(retrySeconds === undefined ? {} : { retry_seconds: retrySeconds }),
    });
  }

  #released(record: LeaseRecord): void {
    this.#rate.add(record.blockBytes);
    if (this.#line.length === 0) return;
    this.#pumpAtFence();
    this.#line.pump();
  }

  #pumpAtFence(): void {
    const epoch = this.fence.epochOfLastSubmit;
    if (this.pool.pendingBytes === 0 || epoch <= this.#awaitedEpoch) return;
    this.#awaitedEpoch = epoch;
    void this.fence.reached(epoch).then(() => this.#line.pump());
  }
}

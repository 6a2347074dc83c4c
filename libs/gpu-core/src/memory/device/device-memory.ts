import { fail, formatBytes, isProblem, type Problem } from '@armilla/base';
import { CLEANUP_AT, type DeviceBudget } from './budget.js';
import type { BufferSource, Fence } from './buffer-source.js';
import { type Clock, systemClock } from './clock.js';
import type { LeaseRecord } from './ledger.js';
import type { DeviceLease } from './lease.js';
import { DevicePool, type DevicePoolOptions } from './pool.js';
import type { PoolStats } from './pool-stats.js';
import { ReleaseRate } from './release-rate.js';
import { Residents } from './residents.js';
import { Room } from './room.js';
import { Spills } from './spills.js';
import { type MemoryGrant, type MemoryRequest, StageLog, type StageName, type StageReport } from './stages.js';
import { type Reservation, type Shares, Tenants } from './tenants.js';
import { type Attempt, WaitingLine } from './waiting-line.js';

export interface DeviceMemoryOptions extends Omit<DevicePoolOptions, 'onRelease'> {
  readonly budget: DeviceBudget;
  /** Of the budget, what the buffers of transfers take, bytes; 0 if left out. */
  readonly stagingBytes?: number;
  /** Budget of a tenant, bytes; undefined is none of its own. */
  readonly tenantBudgetBytes?: (tenant: string) => number | undefined;
  /** Each stage of each clean-up and request that did not fit at once. */
  readonly onStage?: (report: StageReport) => void;
}

export interface MemoryStats extends PoolStats {
  readonly budget: DeviceBudget;
  /** Of what is reserved, the buffers of transfers, bytes. */
  readonly stagingBytes: number;
  /** Reserved / budget; undefined where the budget is unknown. */
  readonly pressure: number | undefined;
  readonly promisedBytes: number;
  readonly residentCount: number;
  readonly spillableBytes: number;
  readonly waitingCount: number;
  /** How often each stage was come to. */
  readonly stages: Readonly<Record<StageName, number>>;
}

/** A promise that is asked for; it says itself whose budget its bytes count for, where they are not all of one tenant. */
export interface ReserveRequest extends Omit<MemoryRequest, 'usage'> {
  readonly shares?: Shares;
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
  readonly #tenants: Tenants;
  readonly #room: Room;
  readonly #stagingBytes: number;
  readonly #line: WaitingLine;
  readonly #clock: Clock;
  readonly #rate: ReleaseRate;
  readonly #spills: Spills;
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
      onRelease: (record) => this.#released(record),
    });
    this.residents = new Residents(this.#clock, () => void this.#spills.forLine());
    this.#tenants = new Tenants((tenant) => this.pool.ledger.bytesByTenant.get(tenant) ?? 0, options.tenantBudgetBytes);
    this.#stagingBytes = options.stagingBytes ?? 0;
    this.#room = new Room(options.budget, this.#stagingBytes, this.pool, this.#tenants, this.residents);
    this.#line = new WaitingLine(this.#clock);
    this.#rate = new ReleaseRate(this.#clock);
    this.#stages = new StageLog(this.#clock, options.onStage);
    this.#spills = new Spills(this.residents, fence, this.#stages, this.#line);
  }

  get budget(): DeviceBudget {
    return this.options.budget;
  }

  /** Taken from the device, bytes. */
  get reservedBytes(): number {
    return this.pool.reservedBytes + this.#stagingBytes;
  }

  /** Reserved / budget; undefined where the budget is unknown. */
  get pressure(): number | undefined {
    return this.budget.bytes === undefined ? undefined : this.reservedBytes / this.budget.bytes;
  }

  /**
   * Memory for the request, after as many stages as it takes. Throws MEMORY_OVER_LIMIT where it can never fit,
   * MEMORY_EXHAUSTED (with `retry_seconds` where that can be told) where it does not now, and the signal's reason. What
   * `reservation` promised waits for nobody.
   */
  async acquire(request: MemoryRequest, reservation?: Reservation): Promise<MemoryGrant> {
    const stages: StageReport[] = [];
    request.signal?.throwIfAborted();
    const smallest = Math.min(request.smallestBytes ?? request.byteLength, request.byteLength);
    let bytes = request.byteLength;
    try {
      this.#room.check(this.pool.blockBytesOf(smallest));
      this.#tenants.check(new Map([[request.tenant ?? 'default', this.pool.blockBytesOf(smallest)]]));
    } catch (error) {
      if (request.cpuPossible !== true) throw error;
      stages.push(this.#stages.add('cpu', request, 0));
      return { place: 'cpu', stages };
    }
    const granted = (lease: DeviceLease): MemoryGrant => ({ place: 'device', lease, byteLength: bytes, stages });
    const attempt = (): Promise<DeviceLease | undefined> => this.#confirmed(this.#attempt(request, bytes, reservation));

    if (reservation === undefined && this.#line.mustWait(request.tenant ?? 'default')) {
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
  async reserve(request: ReserveRequest): Promise<Reservation> {
    const { tenant = 'default', byteLength, maxWaitMs = DEFAULT_WAIT_MS, signal } = request;
    const { shares = new Map([[tenant, byteLength]]) } = request;
    const asked: MemoryRequest = { ...request, usage: 0 };
    this.#tenants.check(shares);
    this.#room.check(byteLength);
    const attempt = (): Attempt<Reservation> => {
      const overBudget = this.#tenants.overBudget(shares);
      if (overBudget !== undefined) return { overBudget };
      if (!this.#room.has(byteLength)) return {};
      return { value: this.#tenants.promise(shares, () => this.#line.pump()) };
    };
    if (!this.#line.mustWait(tenant)) {
      const reserved = attempt().value ?? (await this.#spills.until(asked, byteLength, attempt));
      if (reserved) return reserved;
    }
    this.#stages.add('queue', asked, 0);
    const waiting = this.#line.wait({ tenant, byteLength, maxWaitMs, signal, holder: false }, attempt);
    void this.#spills.forLine();
    const later = await waiting;
    if (later) return later;
    throw this.#refusal(asked, byteLength, [], this.#tenants.overBudget(shares));
  }

  /** Bytes that a call may take now without anyone's waiting; undefined where the budget is unknown. */
  get roomBytes(): number | undefined {
    return this.#room.roomBytes;
  }

  /**
   * True where a block for so many bytes would stay below 85 % of the budget, idle memory and what can be spilled given
   * back; whoever is alone may take all of it.
   */
  canAllocate(byteLength: number, tenant = 'default'): boolean {
    const blockBytes = this.pool.blockBytesOf(byteLength);
    if (blockBytes > this.#tenants.freeBytes(tenant) + this.residents.spillableBytes(tenant)) return false;
    return this.#room.couldHave(blockBytes);
  }

  /** Trims and spills until no more than `keepBytes` are reserved; default 85 % of the budget. */
  async cleanup(keepBytes = (this.budget.bytes ?? Infinity) * CLEANUP_AT): Promise<StageReport[]> {
    const excessBytes = (): number =>
      Math.min(this.pool.reservedBytes, this.pool.reservedBytes + this.#stagingBytes - keepBytes);
    const excess = excessBytes();
    if (excess <= 0) return [];
    const request = { byteLength: excess, usage: 0, label: 'cleanup', tenant: 'default' };
    const reports = [this.#stages.add('trim', request, this.pool.trim(excess))];
    const left = excessBytes();
    if (left > 0 && this.#spills.possible) reports.push(await this.#spills.spill(request, left));
    this.pool.trim(Math.max(0, excessBytes()));
    this.#line.pump();
    return reports;
  }

  stats(): MemoryStats {
    const pool = this.pool.stats();
    return {
      ...pool,
      reservedBytes: this.reservedBytes,
      peakReservedBytes: pool.peakReservedBytes + this.#stagingBytes,
      stagingBytes: this.#stagingBytes,
      budget: this.budget,
      pressure: this.pressure,
      promisedBytes: this.#tenants.promisedBytes(),
      residentCount: this.residents.count,
      spillableBytes: this.residents.spillableBytes(),
      waitingCount: this.#line.length,
      stages: { ...this.#stages.counts },
    };
  }

  #attempt(request: MemoryRequest, bytes: number, reservation: Reservation | undefined): Attempt<DeviceLease> {
    const tenant = request.tenant ?? 'default';
    const blockBytes = this.pool.blockBytesOf(bytes);
    const overBudget = this.#tenants.overBudget(new Map([[tenant, blockBytes]]), reservation);
    if (overBudget !== undefined) return { overBudget };
    const ownBytes = Math.min(blockBytes, this.#tenants.leftBytes(tenant, reservation));
    const promisedBytes = this.#tenants.promisedBytes();
    const covered = ownBytes === blockBytes;
    if (!covered && promisedBytes > 0 && !this.#room.has(blockBytes - ownBytes, reservation)) return {};
    const spareBytes = this.#spareBytes(bytes, promisedBytes - ownBytes);
    if (spareBytes === undefined) return {};
    let uncharge: (() => void) | undefined;
    try {
      const lease = this.pool.lease(bytes, request.usage, request.label, {
        tenant,
        sameQueue: request.sameQueue,
        site: request.site,
        limitBytes: covered ? this.#room.wholeBytes : this.#room.limitBytes(reservation),
        spareBytes,
        onRelease: () => uncharge?.(),
      });
      if (reservation) uncharge = this.#tenants.charge(reservation, tenant, blockBytes);
      return { value: lease };
    } catch (error) {
      if (isProblem(error) && error.reason === 'MEMORY_EXHAUSTED') return {};
      throw error;
    }
  }

  /**
   * What a buffer may be larger than the block that is cut from it, so that `otherBytes`, promised besides, stay to be
   * had; undefined where only the fence can tell.
   */
  #spareBytes(byteLength: number, otherBytes: number): number | undefined {
    if (otherBytes === 0) return Infinity;
    const left = this.#room.wholeBytes - this.pool.pinnedBytes - otherBytes;
    if (left < this.pool.pinnableBytesOf(byteLength)) {
      this.pool.trim();
      if (this.pool.pendingBytes > 0) return undefined;
    }
    return left - this.pool.blockBytesOf(byteLength);
  }

  /** The lease, once the device has really given it. */
  async #confirmed(attempt: Attempt<DeviceLease>): Promise<DeviceLease | undefined> {
    const lease = attempt.value;
    if (lease === undefined) return undefined;
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
    // A tenant over its own budget is not helped by what is idle.
    const own = request.tenant ?? 'default';
    const blockBytes = this.pool.blockBytesOf(bytes);
    const overBudget = (): string | undefined => this.#tenants.overBudget(new Map([[own, blockBytes]]), reservation);
    let lease: DeviceLease | undefined;
    if (overBudget() === undefined) {
      stages.push(this.#stages.add('trim', request, this.pool.trim(bytes)));
      lease = await attempt();
    }
    // What was promised is there when the device is done with what was given back.
    for (let pending = true; pending && !lease && this.#tenants.leftBytes(own, reservation) >= blockBytes;) {
      await this.fence.reached(this.fence.epochOfLastSubmit);
      this.pool.trim();
      const tried = this.#attempt(request, bytes, reservation);
      pending = this.pool.pendingBytes > 0;
      lease = await this.#confirmed(tried);
    }
    if (lease) return lease;
    const spilled = async (): Promise<Attempt<DeviceLease>> => {
      let value = await attempt();
      if (value === undefined && overBudget() === undefined && this.pool.trim(bytes) > 0) value = await attempt();
      return { value, overBudget: overBudget() };
    };
    return await this.#spills.until(request, bytes, spilled, (report) => stages.push(report));
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
      if (first.value || first.overBudget !== undefined || this.pool.trim(bytes) === 0) return first;
      return this.#attempt(request, bytes, reservation);
    };
    const refusal = (): Problem => {
      const shares = new Map([[tenant, this.pool.blockBytesOf(bytes)]]);
      return this.#refusal(request, bytes, stages, this.#tenants.overBudget(shares, reservation));
    };
    stages.push(this.#stages.add('queue', request, 0));
    for (;;) {
      // Where nobody can give anything back, a wait would be for nothing.
      const hopeless = this.pool.usedBytes + this.pool.pendingBytes + this.#tenants.promisedBytes() === 0;
      const waitMs = hopeless ? 0 : Math.max(0, endMs - this.#clock.now());
      this.#pumpAtFence();
      void this.#spills.forLine();
      const lease = await this.#line.wait(
        { tenant, byteLength: bytes, maxWaitMs: waitMs, signal: request.signal, holder: reservation !== undefined },
        attempt,
      );
      if (lease === undefined) throw refusal();
      if (await this.#confirmed({ value: lease })) return lease;
      if (waitMs === 0) throw refusal();
      // The device refuses though the books say yes: other programs use it as well.
      await new Promise<void>((resolve) => this.#clock.after(Math.min(RETRY_MS, waitMs), resolve));
      this.pool.trim(bytes);
    }
  }

  #refusal(request: MemoryRequest, bytes: number, stages: StageReport[], overBudget: string | undefined): Problem {
    stages.push(this.#stages.add('refuse', request, 0));
    const retrySeconds = this.#rate.secondsFor(bytes);
    return fail('MEMORY_EXHAUSTED', {
      needed: formatBytes(bytes),
      ...this.#room.describe(overBudget),
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

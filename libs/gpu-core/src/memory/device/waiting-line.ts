import type { Clock } from './clock.js';

/** What an attempt came to: a value, or none as long as the device is full or a tenant has too much. */
export interface Attempt<T> {
  readonly value?: T;
  /** The tenant whose own budget is in the way. */
  readonly overBudget?: string;
}

/** Who is next, and what for. */
export interface Next {
  readonly tenant: string;
  readonly byteLength: number;
  /** The tenant whose own budget is in the way, not that of the device. */
  readonly overBudget: string | undefined;
}

interface Waiter {
  readonly tenant: string;
  readonly byteLength: number;
  readonly sinceMs: number;
  /** Tries once; true when it is served. */
  readonly serve: () => boolean;
  /** The last try failed for a tenant's own budget: it does not hold up others. */
  overBudget: string | undefined;
}

export interface WaitOptions {
  readonly tenant: string;
  readonly byteLength: number;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
  /** It has memory, or a promise of it. */
  readonly holder: boolean;
}

/** After this time at the head of its line a request is not overtaken any more. */
const PATIENCE_MS = 1000;

/**
 * Requests that wait for memory: first come first served within a tenant, tenants in turn. Those of whoever holds memory
 * already go before all: the others wait for it to end.
 */
export class WaitingLine {
  readonly #holders = new Set<Waiter>();
  readonly #lines = new Map<string, Waiter[]>();

  constructor(private readonly clock: Clock) {}

  get length(): number {
    let length = this.#holders.size;
    for (const line of this.#lines.values()) length += line.length;
    return length;
  }

  /** True where a request of `tenant` that comes now must not go first. */
  mustWait(tenant: string): boolean {
    if (this.#lines.has(tenant)) return true;
    const nowMs = this.clock.now();
    for (const [head] of this.#lines.values()) if (isDue(head, nowMs)) return true;
    return false;
  }

  /**
   * The value of `attempt` as soon as it has one, undefined after `maxWaitMs` without. Rejects with the signal's reason
   * and with whatever `attempt` throws.
   */
  wait<T>(
    { tenant, byteLength, maxWaitMs, signal, holder }: WaitOptions,
    attempt: () => Attempt<T>,
  ): Promise<T | undefined> {
    return new Promise<T | undefined>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (settle: () => void): void => {
        leave();
        this.#remove(waiter);
        settle();
        this.pump();
      };
      const onAbort = (): void => giveUp(() => reject(signal?.reason));
      const cancelTimer = this.clock.after(maxWaitMs, () => giveUp(() => resolve(undefined)));
      const waiter: Waiter = {
        tenant,
        byteLength,
        sinceMs: this.clock.now(),
        overBudget: undefined,
        serve: () => {
          try {
            const result = attempt();
            waiter.overBudget = result.overBudget;
            if (result.value === undefined) return false;
            resolve(result.value);
          } catch (error) {
            reject(error);
          }
          leave();
          return true;
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const line = this.#lines.get(tenant);
      if (holder) this.#holders.add(waiter);
      else if (line) line.push(waiter);
      else this.#lines.set(tenant, [waiter]);
      this.pump();
      if (maxWaitMs <= 0 && this.#waits(waiter)) giveUp(() => resolve(undefined));
    });
  }

  /** The first whose turn it is, those last who wait for themselves. */
  next(): Next | undefined {
    const heads = [...this.#holders, ...[...this.#lines.values()].map(([head]) => head)];
    return heads.find(({ overBudget }) => overBudget === undefined) ?? heads[0];
  }

  /** Memory may be free: serves whom it can, one of each tenant in turn. */
  pump(): void {
    for (let served = true; served;) {
      served = false;
      const nowMs = this.clock.now();
      for (const holder of this.#holders) {
        if (!holder.serve()) continue;
        served = true;
        this.#remove(holder);
      }
      for (const [tenant, line] of [...this.#lines]) {
        const [head] = line;
        if (!head.serve()) {
          // What comes free next is for the one who has waited long, whatever smaller requests there are.
          if (isDue(head, nowMs)) return;
          continue;
        }
        served = true;
        this.#remove(head);
        // Its turn is over: to the end of the round.
        const rest = this.#lines.get(tenant);
        if (rest) {
          this.#lines.delete(tenant);
          this.#lines.set(tenant, rest);
        }
      }
    }
  }

  #waits(waiter: Waiter): boolean {
    return this.#holders.has(waiter) || this.#lines.get(waiter.tenant)?.includes(waiter) === true;
  }

  #remove(waiter: Waiter): void {
    this.#holders.delete(waiter);
    const { tenant } = waiter;
    const line = this.#lines.get(tenant);
    const at = line?.indexOf(waiter) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(tenant);
  }
}

function isDue({ overBudget, sinceMs }: Waiter, nowMs: number): boolean {
  return overBudget === undefined && nowMs - sinceMs >= PATIENCE_MS;
}

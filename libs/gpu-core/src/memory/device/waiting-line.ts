import type { Clock } from './clock.js';

/** What an attempt came to: a value, or who has to give something back first. */
export type Attempt<T> = { readonly value: T } | 'full' | 'tenant over its budget';

/** Who is next, and what for. */
export interface Next {
  readonly tenant: string;
  readonly byteLength: number;
  /** Its own budget is in the way, not that of the device. */
  readonly ownFault: boolean;
}

interface Waiter {
  readonly byteLength: number;
  readonly sinceMs: number;
  /** Tries once; true when it is served. */
  readonly serve: () => boolean;
  /** The last try failed for the tenant's own budget: it does not hold up others. */
  ownFault: boolean;
}

/** After this time at the head of its line a request is not overtaken any more. */
const PATIENCE_MS = 1000;

/** Requests that wait for memory: first come first served within a tenant, tenants in turn. */
export class WaitingLine {
  readonly #lines = new Map<string, Waiter[]>();

  constructor(private readonly clock: Clock) {}

  get length(): number {
    let length = 0;
    for (const line of this.#lines.values()) length += line.length;
    return length;
  }

  /** True where a request of `tenant` that comes now must not go first. */
  mustWait(tenant: string): boolean {
    if (this.#lines.has(tenant)) return true;
    const nowMs = this.clock.now();
    for (const [head] of this.#lines.values()) if (!head.ownFault && nowMs - head.sinceMs >= PATIENCE_MS) return true;
    return false;
  }

  /**
   * The value of `attempt` as soon as it has one, undefined after `maxWaitMs` without. Rejects with the signal's reason
   * and with whatever `attempt` throws.
   */
  wait<T>(
    tenant: string,
    byteLength: number,
    attempt: () => Attempt<T>,
    maxWaitMs: number,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    return new Promise<T | undefined>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
      const giveUp = (settle: () => void): void => {
        leave();
        this.#remove(tenant, waiter);
        settle();
        this.pump();
      };
      const onAbort = (): void => giveUp(() => reject(signal?.reason));
      const cancelTimer = this.clock.after(maxWaitMs, () => giveUp(() => resolve(undefined)));
      const waiter: Waiter = {
        byteLength,
        sinceMs: this.clock.now(),
        ownFault: false,
        serve: () => {
          try {
            const result = attempt();
            waiter.ownFault = result === 'tenant over its budget';
            if (typeof result === 'string') return false;
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
      if (line) line.push(waiter);
      else this.#lines.set(tenant, [waiter]);
      this.pump();
      if (maxWaitMs <= 0 && this.#lines.get(tenant)?.includes(waiter)) giveUp(() => resolve(undefined));
    });
  }

  /** The first whose turn it is, those last who wait for themselves. */
  next(): Next | undefined {
    let next: Next | undefined;
    for (const [tenant, [{ byteLength, ownFault }]] of this.#lines) {
      if (!next || (next.ownFault && !ownFault)) next = { tenant, byteLength, ownFault };
    }
    return next;
  }

  /** Memory may be free: serves whom it can, one of each tenant in turn. */
  pump(): void {
    for (let served = true; served;) {
      served = false;
      const nowMs = this.clock.now();
      for (const [tenant, line] of [...this.#lines]) {
        const [head] = line;
        if (!head.serve()) {
          // What comes free next is for the one who has waited long, whatever smaller requests there are.
          if (!head.ownFault && nowMs - head.sinceMs >= PATIENCE_MS) return;
          continue;
        }
        served = true;
        this.#remove(tenant, head);
        // Its turn is over: to the end of the round.
        const rest = this.#lines.get(tenant);
        if (rest) {
          this.#lines.delete(tenant);
          this.#lines.set(tenant, rest);
        }
      }
    }
  }

  #remove(tenant: string, waiter: Waiter): void {
    const line = this.#lines.get(tenant);
    const at = line?.indexOf(waiter) ?? -1;
    if (!line || at < 0) return;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(tenant);
  }
}

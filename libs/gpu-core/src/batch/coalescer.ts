import { fail, isProblem, type Problem, toProblem, whenAborted } from '@armilla/base';
import { type Clock, systemClock } from '../memory/device/clock.js';
import { FairLine } from './fair-line.js';

export interface CoalescerOptions<Item, Result> {
  /**
   * Computes a batch: the result of item i at index i, or its Problem. Where it throws, the batch is cut in two and run
   * again, until whoever made it throw is alone. The signal is that of a batch that nobody waits for any more.
   */
  readonly run: (items: readonly Item[], signal: AbortSignal) => Promise<readonly (Result | Problem)[]>;
  /** Size of an item in the unit of `maxSize` (bytes, rows); 1 if left out. */
  readonly sizeOf?: (item: Item) => number;
  /** Members of a batch at most; 256 if left out. */
  readonly maxItems?: number;
  /** Sum of sizes at most; a larger item goes alone. */
  readonly maxSize?: number;
  /** The first member waits so long for others, ms; 1 if left out. */
  readonly maxWaitMs?: number;
  /** Batches that run at the same time; 1 if left out. While one runs, members gather for the next. */
  readonly concurrency?: number;
  /** True for faults of no single member: then the batch is not cut. Default: DEVICE_UNAVAILABLE. */
  readonly faultOfAll?: (error: unknown) => boolean;
  readonly clock?: Clock;
}

export interface MemberOptions {
  /** Members of different tenants fill a batch by turns; `default` if left out. */
  readonly tenant?: string;
  /** Takes this member out; the others go on. */
  readonly signal?: AbortSignal;
}

export interface CoalescerStats {
  readonly batchCount: number;
  readonly itemCount: number;
  readonly waitingCount: number;
  /** Runs that were repeated in halves for a bad member. */
  readonly splitCount: number;
}

interface Member<Item, Result> {
  readonly item: Item;
  readonly size: number;
  readonly sinceMs: number;
  /** Neither settled nor cancelled. */
  open: boolean;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  /** Called when it leaves a batch that runs. */
  onLeave: (() => void) | undefined;
}

/** Makes batches of small requests of one operation; each is answered as if it had come alone. */
export class Coalescer<Item, Result> {
  readonly #line = new FairLine<Member<Item, Result>>();
  readonly #clock: Clock;
  readonly #maxItems: number;
  readonly #maxSize: number;
  readonly #maxWaitMs: number;
  readonly #concurrency: number;
  readonly #faultOfAll: (error: unknown) => boolean;
  #running = 0;
  #cancelTimer: (() => void) | undefined;
  #batchCount = 0;
  #itemCount = 0;
  #splitCount = 0;

  constructor(private readonly options: CoalescerOptions<Item, Result>) {
    this.#clock = options.clock ?? systemClock;
    this.#maxItems = atLeast(1, options.maxItems ?? 256, 'maxItems');
    this.#maxSize = options.maxSize ?? Infinity;
    this.#maxWaitMs = atLeast(0, options.maxWaitMs ?? 1, 'maxWaitMs');
    this.#faultOfAll = options.faultOfAll ?? ((error) => toProblem(error).reason === 'DEVICE_UNAVAILABLE');
    this.#concurrency = atLeast(1, options.concurrency ?? 1, 'concurrency');
  }

  get stats(): CoalescerStats {
    return {
      batchCount: this.#batchCount,
      itemCount: this.#itemCount,
      waitingCount: this.#line.count,
      splitCount: this.#splitCount,
    };
  }

  /** The result of `item`. Rejects with the member's Problem or the signal's reason. */
  add(item: Item, { tenant = 'default', signal }: MemberOptions = {}): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const size = atLeast(0, this.options.sizeOf?.(item) ?? 1, 'size');
      const settle = (): void => {
        member.open = false;
        listening[Symbol.dispose]();
      };
      const member: Member<Item, Result> = {
        item,
        size,
        sinceMs: this.#clock.now(),
        open: true,
        resolve: (result) => {
          settle();
          resolve(result);
        },
        reject: (reason) => {
          settle();
          reject(reason);
        },
        onLeave: undefined,
      };
      const listening = whenAborted(signal, () => {
        const { onLeave } = member;
        if (onLeave === undefined) this.#line.remove(tenant, member);
        member.reject(signal?.reason);
        onLeave?.();
      });
      this.#line.add(tenant, member, member.size);
      this.#startDue();
    });
  }

  /** True where an item that came now would start at once, and alone. */
  get idle(): boolean {
    return this.#maxWaitMs === 0 && this.#running === 0 && this.#line.count === 0;
  }

  /** An item that its caller runs itself takes the place of a batch of one; call the result at its end. */
  occupy(): () => void {
    this.#batchCount++;
    this.#itemCount++;
    this.#running++;
    return () => {
      this.#running--;
      this.#startDue();
    };
  }

  /** Starts what waits, without waiting for more. */
  flush(): void {
    while (this.#running < this.#concurrency && this.#line.count > 0) this.#start();
  }

  #startDue(): void {
    while (this.#running < this.#concurrency && this.#line.count > 0) {
      const oldestMs = this.#oldestMs();
      const full = this.#line.count >= this.#maxItems || this.#line.size >= this.#maxSize;
      const leftMs = oldestMs + this.#maxWaitMs - this.#clock.now();
      if (!full && leftMs > 0) {
        this.#cancelTimer?.();
        this.#cancelTimer = this.#clock.after(leftMs, () => {
          this.#cancelTimer = undefined;
          this.#startDue();
        });
        return;
      }
      this.#start();
    }
  }

  #oldestMs(): number {
    let oldestMs = Infinity;
    for (const member of this.#line.heads()) oldestMs = Math.min(oldestMs, member.sinceMs);
    return oldestMs;
  }

  #start(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const members = this.#line.take(this.#maxItems, this.#maxSize);
    this.#batchCount++;
    this.#itemCount += members.length;
    this.#running++;
    const aborter = new AbortController();
    const onLeave = (): void => {
      if (members.every(({ open }) => !open)) aborter.abort();
    };
    for (const member of members) member.onLeave = onLeave;
    void this.#run(members, aborter.signal).finally(() => {
      this.#running--;
      this.#startDue();
    });
  }

  /** Never rejects: each member has its own answer. */
  async #run(members: readonly Member<Item, Result>[], signal: AbortSignal): Promise<void> {
    const open = members.filter((member) => member.open);
    if (open.length === 0) return;
    try {
      const results = await this.options.run(
        open.map(({ item }) => item),
        signal,
      );
      if (results.length !== open.length) {
        throw fail('INTERNAL', { detail: `a batch of ${open.length} gave ${results.length} results` });
      }
      open.forEach((member, i) => {
        const result = results[i];
        if (!member.open) return;
        if (isProblem(result)) member.reject(result);
        else member.resolve(result);
      });
    } catch (error) {
      if (open.length === 1 || this.#faultOfAll(error)) {
        for (const member of open) if (member.open) member.reject(toProblem(error));
        return;
      }
      this.#splitCount++;
      const middle = open.length >> 1;
      await this.#run(open.slice(0, middle), signal);
      await this.#run(open.slice(middle), signal);
    }
  }
}

function atLeast(least: number, value: number, field: string): number {
  if (!(value >= least)) throw fail('OPTION_INVALID', { field, expected: `at least ${least}`, got: value });
  return value;
}

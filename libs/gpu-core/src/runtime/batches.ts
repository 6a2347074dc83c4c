import { AsyncLocalStorage } from 'node:async_hooks';
import { Coalescer, type CoalescerStats } from '../batch/coalescer.js';
import type { RoutedOperation } from '../ops/routing.js';

export interface BatchOptions {
  /** Calls of at most so many bytes (operands and result) are small; default 65536. */
  readonly smallBytes?: number;
  /** Calls of a batch at most; default 256. */
  readonly maxItems?: number;
  /** Bytes of a batch at most; default 16 MiB. */
  readonly maxBytes?: number;
  /** How long the first call waits for others, ms; default 0: those that come while a batch runs make the next. */
  readonly maxWaitMs?: number;
}

/** Calls of one operation, type and place that were made one. Plain data. */
export interface BatchView extends CoalescerStats {
  /** "gpu.matmul f32", and the device where the calls name one. */
  readonly calls: string;
}

/** One small call. */
export interface BatchCall {
  readonly routed: RoutedOperation<object>;
  readonly input: object;
  readonly bytes: number;
  readonly dtype: string;
  /** Of the request, where it names one. */
  readonly device: string | undefined;
  readonly tenant: string | undefined;
  readonly fairKey: object | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What a call and a batch of them come to: `value` is one result, or that of all. */
interface Ended<Decided> {
  readonly value: unknown;
  readonly decision: Decided;
}

/** A call, and the way back to where it was made: spans of its own lie there, not where the batch before it ended. */
interface Waiting extends BatchCall {
  readonly there: <T>(work: () => T) => T;
}

const SMALL_BYTES = 65_536;
const MAX_BYTES = 16 * 2 ** 20;

/** Makes batches of small calls of one operation, each answered as if it had come alone. */
export class Batches<Decided> {
  readonly #coalescers = new Map<string, Coalescer<Waiting, Ended<Decided>>>();

  constructor(
    private readonly options: BatchOptions,
    /** Runs one call: an operation by its name on an input. */
    private readonly run: (operation: string, input: object, like: BatchCall, count: number) => Promise<Ended<Decided>>,
  ) {}

  /** Whether the call is one that is made a batch with others. Throws SHAPE_MISMATCH for one that is none. */
  takes({ routed, input, bytes }: Pick<BatchCall, 'routed' | 'input' | 'bytes'>): boolean {
    if (routed.coalescing === undefined || bytes > (this.options.smallBytes ?? SMALL_BYTES)) return false;
    routed.coalescing.check(input);
    return true;
  }

  async add(call: BatchCall): Promise<Ended<Decided>> {
    const { routed, dtype, device, tenant, signal } = call;
    const key = [routed.operation.name, dtype, ...(device === undefined ? [] : [device])].join(' ');
    let coalescer = this.#coalescers.get(key);
    if (coalescer === undefined) this.#coalescers.set(key, (coalescer = this.#coalescer(routed)));
    if (coalescer.idle) {
      const leave = coalescer.occupy();
      try {
        return await this.run(routed.operation.name, call.input, call, 1);
      } finally {
        leave();
      }
    }
    return await coalescer.add(
      { ...call, there: AsyncLocalStorage.snapshot() },
      { ...(tenant !== undefined && { tenant }), ...(signal && { signal }) },
    );
  }

  view(): BatchView[] {
    return [...this.#coalescers].map(([calls, { stats }]) => ({ calls, ...stats }));
  }

  #coalescer({ operation, coalescing }: RoutedOperation<object>): Coalescer<Waiting, Ended<Decided>> {
    const { maxItems, maxBytes = MAX_BYTES, maxWaitMs = 0 } = this.options;
    return new Coalescer({
      maxWaitMs,
      maxSize: maxBytes,
      ...(maxItems !== undefined && { maxItems }),
      sizeOf: ({ bytes }) => bytes,
      run: async (calls, signal) => {
        const [first] = calls;
        if (coalescing === undefined || calls.length === 1)
          return [await first.there(() => this.run(operation.name, first.input, { ...first, signal }, 1))];
        const inputs = calls.map(({ input }) => input);
        // A batch of several is nobody's own.
        const own = <Key extends 'tenant' | 'fairKey'>(key: Key): BatchCall[Key] | undefined =>
          calls.every((call) => call[key] === first[key]) ? first[key] : undefined;
        const like = { ...first, tenant: own('tenant'), fairKey: own('fairKey'), signal };
        const joined = coalescing.join(inputs);
        const { value, decision } = await first.there(() => this.run(coalescing.operation, joined, like, calls.length));
        return coalescing.split(value, inputs).map((one) => ({ value: one, decision }));
      },
    });
  }
}

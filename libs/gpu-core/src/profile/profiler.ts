import { fail } from '@armilla/base';
import { AsyncLocalStorage } from 'node:async_hooks';
import { CounterRing } from './counter-ring.js';
import { Names } from './names.js';
import { OpenSpans } from './open-spans.js';
import type { CounterTrack, Profile } from './profile.js';
import { RECORD, RECORD_LENGTH, SPAN_COLUMNS, type SpanColumn } from './record.js';
import { RunningTotals } from './running-totals.js';
import { SpanRing } from './span-ring.js';
import { NO_SPAN, type Span } from './span.js';

export interface ProfilerOptions {
  /** On by default; may be switched at any time. */
  readonly enabled?: boolean;
  /** Ended spans that are kept, a power of two in [16, 2^22]; each takes 128 bytes. 16384 by default. */
  readonly spanCapacity?: number;
  /** Counter samples that are kept, a power of two in [16, 2^22]; each takes 18 bytes. 16384 by default. */
  readonly counterCapacity?: number;
  /** Monotonic time, ns. */
  readonly nowNs?: () => number;
  /** Unix time of the zero of `nowNs`, ms. */
  readonly originEpochMs?: number;
}

export interface SpanOptions extends SpanFacts {
  /** "cpu" by default. */
  readonly device?: string;
  /** Stream of the device, an integer from 0. */
  readonly lane?: number;
  /** The span around this one; by default the innermost that is open here; null: none. */
  readonly parent?: Span | null;
}

/** Measured by the one who runs the operation; what is left out adds nothing. */
export interface SpanFacts {
  readonly queueNs?: number;
  readonly uploadNs?: number;
  readonly kernelNs?: number;
  readonly readbackNs?: number;
  /** By default what the other parts leave of the span, where there are any. */
  readonly overheadNs?: number;
  readonly bytes?: number;
  readonly flops?: number;
  readonly memoryBytes?: number;
  /** Id of the router's decision. */
  readonly decision?: number;
}

/** Hears of spans that last. One at a time; it must not throw. */
export interface SpanListener {
  /** Shorter spans are not told, except those without a parent. */
  readonly minDurationNs: number;
  /** A span without a parent begins. */
  begun(id: number): void;
  ended(record: Float64Array, offset: number): void;
}

const now = performance.now.bind(performance);
const nowByPerformance = (): number => now() * 1e6;

/**
 * Records what runs where, always: a span is 128 bytes in a ring, without an object where `begin` and `end` are used. Switched
 * off, each call is one comparison.
 */
export class Profiler {
  enabled: boolean;
  readonly originEpochMs: number;
  readonly #now: () => number;
  readonly #ops = new Names();
  readonly #devices = new Names();
  readonly #open = new OpenSpans();
  readonly #ring: SpanRing;
  readonly #totals = new RunningTotals();
  readonly #counters: CounterRing;
  readonly #tracks: CounterTrack[] = [];
  readonly #rootNest: Nest = { current: undefined };
  /** Made at the first `run`: until then there is one nest. */
  #nests: AsyncLocalStorage<Nest> | undefined;
  #lastId = 0;
  #droppedCount = 0;
  #listener: SpanListener | undefined;

  constructor(options: ProfilerOptions = {}) {
    this.enabled = options.enabled ?? true;
    this.#now = options.nowNs ?? nowByPerformance;
    this.originEpochMs = options.originEpochMs ?? performance.timeOrigin;
    this.#ring = new SpanRing(capacityOf('spanCapacity', options.spanCapacity));
    this.#counters = new CounterRing(capacityOf('counterCapacity', options.counterCapacity));
  }

  /** A span until the end of the block: `using span = profiler.scope('gpu.matmul', { device: 'gpu0' })`. */
  scope(op: string, options?: SpanOptions): Span {
    return this.enabled ? this.#scope(op, options, this.#nest()) : NO_SPAN;
  }

  /**
   * A span around `work`, until its promise settles when it gives one. What `work` starts, however late, lies inside: this
   * is the form for operations that run beside each other.
   */
  run<T>(op: string, work: (span: Span) => T, options?: SpanOptions): T {
    if (!this.enabled) return work(NO_SPAN);
    this.#nests ??= new AsyncLocalStorage();
    const nest: Nest = { current: undefined };
    const span = this.#scope(op, options, this.#nest());
    span.nest.current = span.outer;
    nest.current = span;
    let result: T;
    try {
      result = this.#nests.run(nest, work, span);
    } catch (error) {
      span.end();
      throw error;
    }
    if (!isThenable(result)) {
      span.end();
      return result;
    }
    const end = (): void => span.end();
    result.then(end, end);
    return result;
  }

  /** Begins a span and gives its handle, without an object; -1 when the profiler is off. Pair with `end`. */
  begin(op: string, device = 'cpu', parent?: Span): number {
    if (!this.enabled) return -1;
    return this.#begin(op, device, 0, parent === undefined ? this.#nest().current : (parent as OpenSpan));
  }

  /** A span that was measured elsewhere; times in ns on the profiler's clock. */
  record(op: string, startNs: number, endNs: number, options: SpanOptions = {}): void {
    if (!this.enabled) return;
    const parent = options.parent === undefined ? openOf(this.#nest().current) : (options.parent as OpenSpan | null);
    const handle = this.#begin(op, options.device ?? 'cpu', options.lane ?? 0, parent);
    if (handle < 0) return;
    this.#open.data[this.#open.offset(handle) + RECORD.startNs] = startNs;
    this.add(handle, options);
    this.#end(handle, endNs);
  }

  /** Ends the span; a handle that was ended before, or -1, is passed over. */
  end(handle: number): void {
    if (this.#open.offset(handle) >= 0) this.#end(handle, this.#now());
  }

  #end(handle: number, endNs: number): void {
    const offset = this.#open.offset(handle);
    const data = this.#open.data;
    const startNs = data[offset + RECORD.startNs];
    // A clock that the caller gives may step back.
    data[offset + RECORD.endNs] = endNs > startNs ? endNs : startNs;
    const partsNs =
      data[offset + RECORD.queueNs] +
      data[offset + RECORD.uploadNs] +
      data[offset + RECORD.kernelNs] +
      data[offset + RECORD.readbackNs];
    if (partsNs > 0 && data[offset + RECORD.overheadNs] === 0) {
      data[offset + RECORD.overheadNs] = Math.max(0, endNs - startNs - partsNs);
    }
    this.#ring.push(data, offset);
    this.#totals.add(data, offset);
    this.#open.close(handle);
    const listener = this.#listener;
    if (listener === undefined) return;
    if (endNs - startNs >= listener.minDurationNs || data[offset + RECORD.parent] < 0) listener.ended(data, offset);
  }

  /** Adds to an open span; a handle that was ended before, or -1, is passed over. Numbers that are none are left out. */
  add(handle: number, facts: SpanFacts): void {
    const offset = this.#open.offset(handle);
    if (offset < 0) return;
    const data = this.#open.data;
    const { queueNs, uploadNs, kernelNs, readbackNs, overheadNs, bytes, flops, memoryBytes, decision } = facts;
    if (queueNs! > 0) data[offset + RECORD.queueNs] += queueNs!;
    if (uploadNs! > 0) data[offset + RECORD.uploadNs] += uploadNs!;
    if (kernelNs! > 0) data[offset + RECORD.kernelNs] += kernelNs!;
    if (readbackNs! > 0) data[offset + RECORD.readbackNs] += readbackNs!;
    if (overheadNs! > 0) data[offset + RECORD.overheadNs] += overheadNs!;
    if (bytes! > 0) data[offset + RECORD.bytes] += bytes!;
    if (flops! > 0) data[offset + RECORD.flops] += flops!;
    if (memoryBytes! >= 0) data[offset + RECORD.memoryBytes] = memoryBytes!;
    if (decision! >= 0) data[offset + RECORD.decision] = decision!;
  }

  /** A series of values of a device, for example ("memory.used", "gpu0", "bytes"); give its number to `count`. */
  track(name: string, device: string, unit: string): number {
    const id = this.#devices.id(device);
    const found = this.#tracks.findIndex((track) => track.name === name && track.device === id);
    return found >= 0 ? found : this.#tracks.push({ name, device: id, unit }) - 1;
  }

  /** Records the value of a track now. */
  count(track: number, value: number): void {
    if (!this.enabled || !(track in this.#tracks) || !Number.isFinite(value)) return;
    this.#counters.push(track, this.#now(), value);
  }

  /** What is held now: a copy. */
  profile(label = '', machine = ''): Profile {
    const records: Float64Array[] = [];
    const keep = (data: Float64Array, offset: number): boolean =>
      records.push(data.slice(offset, offset + RECORD_LENGTH)) > 0;
    this.#ring.visitBack(keep);
    this.#open.visit(keep);
    records.sort((a, b) => a[RECORD.id] - b[RECORD.id]);
    const spans = Object.fromEntries(
      SPAN_COLUMNS.map((name) => [name, Float64Array.from(records, (record) => record[RECORD[name]])]),
    ) as Record<SpanColumn, Float64Array>;
    return {
      label,
      machine,
      originEpochMs: this.originEpochMs,
      capturedNs: this.#now(),
      ops: this.#ops.list(),
      devices: this.#devices.list(),
      spans,
      counters: this.#counters.read(this.#tracks),
      totals: this.#totals.read(),
      overwrittenCount: this.#ring.overwrittenCount,
      droppedCount: this.#droppedCount,
    };
  }

  /** Whom to tell of spans that last; undefined: nobody. */
  listen(listener: SpanListener | undefined): void {
    this.#listener = listener;
  }

  /** Names of a record's operation and device. */
  describe(record: Float64Array, offset: number): { op: string; device: string } {
    return {
      op: this.#ops.name(record[offset + RECORD.op]),
      device: this.#devices.name(record[offset + RECORD.device]),
    };
  }

  /** Calls `visit` for ended spans from the newest back, until it gives false. */
  visitBack(visit: (record: Float64Array, offset: number) => boolean): void {
    this.#ring.visitBack(visit);
  }

  #nest(): Nest {
    return this.#nests?.getStore() ?? this.#rootNest;
  }

  #scope(op: string, options: SpanOptions | undefined, nest: Nest): OpenSpan {
    const outer = openOf(nest.current);
    // Keeps chains of spans that overlap from growing.
    if (outer !== undefined) outer.outer = openOf(outer.outer);
    const parent = options?.parent === undefined ? outer : (options.parent as OpenSpan | null);
    const handle = this.#begin(op, options?.device ?? 'cpu', options?.lane ?? 0, parent);
    if (options !== undefined) this.add(handle, options);
    // A span that was not recorded stands for the one around it.
    const id = handle < 0 ? (parent?.id ?? -1) : this.#lastId;
    return (nest.current = new OpenSpan(this, handle, id, nest, outer));
  }

  #begin(op: string, device: string, lane: number, parent: OpenSpan | null | undefined): number {
    const handle = this.#open.open();
    if (handle < 0) {
      this.#droppedCount++;
      return -1;
    }
    const parentId = parent?.id ?? -1;
    const offset = this.#open.offset(handle);
    const data = this.#open.data;
    data[offset + RECORD.id] = ++this.#lastId;
    data[offset + RECORD.endNs] = NaN;
    data[offset + RECORD.parent] = parentId;
    data[offset + RECORD.op] = this.#ops.id(op);
    data[offset + RECORD.device] = this.#devices.id(device);
    data[offset + RECORD.lane] = lane;
    for (let i = RECORD.queueNs; i <= RECORD.flops; i++) data[offset + i] = 0;
    data[offset + RECORD.memoryBytes] = NaN;
    data[offset + RECORD.decision] = -1;
    if (parentId < 0 && this.#listener !== undefined) this.#listener.begun(this.#lastId);
    // Last, so that the span does not time its own beginning.
    data[offset + RECORD.startNs] = this.#now();
    return handle;
  }
}

/** The innermost open scope of one chain of calls. */
interface Nest {
  current: OpenSpan | undefined;
}

class OpenSpan implements Span {
  readonly recorded = true;
  open = true;

  constructor(
    private readonly profiler: Profiler,
    private readonly handle: number,
    readonly id: number,
    readonly nest: Nest,
    public outer: OpenSpan | undefined,
  ) {}

  add(facts: SpanFacts): this {
    this.profiler.add(this.handle, facts);
    return this;
  }

  scope(op: string, options?: Omit<SpanOptions, 'parent'>): Span {
    return this.profiler.scope(op, { ...options, parent: this });
  }

  end(): void {
    if (!this.open) return;
    this.profiler.end(this.handle);
    this.open = false;
    if (this.nest.current === this) this.nest.current = openOf(this.outer);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Scopes of operations that overlap end in any order: the innermost one that is still open. */
function openOf(span: OpenSpan | undefined): OpenSpan | undefined {
  while (span !== undefined && !span.open) span = span.outer;
  return span;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function capacityOf(field: string, capacity = 16_384): number {
  if (Number.isInteger(capacity) && capacity >= 16 && capacity <= 2 ** 22 && (capacity & (capacity - 1)) === 0) {
    return capacity;
  }
  throw fail('OPTION_INVALID', { field, expected: 'a power of two in [16, 2^22]', got: String(capacity) });
}

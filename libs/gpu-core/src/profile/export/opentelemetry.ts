import {
  type Attributes,
  type Context,
  context,
  type HrTime,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Profiler, SpanListener } from '../profiler.js';
import { RECORD, RECORD_LENGTH } from '../record.js';

export interface OpenTelemetryOptions {
  /** That of the name "armilla.profile" by default. */
  readonly tracer?: Tracer;
  /** Shorter spans stay in the ring only. 1 ms by default. */
  readonly minDurationMs?: number;
}

/** Ended spans whose context is kept for what ends after them. */
const REMEMBERED = 4096;

/**
 * Gives the profiler's longer spans to OpenTelemetry with their own start and end, below the span that was active when they
 * began. Returns what ends it. A tree is handed over when its outermost span ends, since a parent has no identity there
 * before; what outlives it follows by itself.
 */
export function exportToOpenTelemetry(profiler: Profiler, options: OpenTelemetryOptions = {}): () => void {
  const tracer = options.tracer ?? trace.getTracer('armilla.profile');
  profiler.listen(new Exporter(profiler, tracer, (options.minDurationMs ?? 1) * 1e6));
  return () => profiler.listen(undefined);
}

class Exporter implements SpanListener {
  /** What was active when each open root began. */
  readonly #roots = new Map<number, Context>();
  /** Below what the children of an ended span belong. */
  readonly #ended = new Map<number, Context>();

  constructor(
    private readonly profiler: Profiler,
    private readonly tracer: Tracer,
    readonly minDurationNs: number,
  ) {}

  begun(id: number): void {
    this.#roots.set(id, context.active());
  }

  ended(record: Float64Array, offset: number): void {
    const parent = record[offset + RECORD.parent];
    const own = record.slice(offset, offset + RECORD_LENGTH);
    if (parent < 0) this.#exportTree(own);
    else if (this.#ended.has(parent)) this.#export(own);
  }

  #exportTree(root: Float64Array): void {
    const id = root[RECORD.id];
    this.#remember(id, this.#roots.get(id) ?? ROOT_CONTEXT);
    this.#roots.delete(id);
    if (durationOf(root) < this.minDurationNs) return;
    const since: Float64Array[] = [];
    // Spans are held in the order of their ends, and what lies inside the root ended after its start.
    this.profiler.visitBack((record, offset) => {
      if (record[offset + RECORD.endNs] < root[RECORD.startNs]) return false;
      if (record[offset + RECORD.id] >= id) since.push(record.slice(offset, offset + RECORD_LENGTH));
      return true;
    });
    // Parents before their children.
    since.sort((a, b) => a[RECORD.id] - b[RECORD.id]);
    for (const record of since) {
      // Other trees that ended meanwhile were handed over then.
      const isNew = this.#ended.has(record[RECORD.parent]) && !this.#ended.has(record[RECORD.id]);
      if (record === since[0] || isNew) this.#export(record);
    }
  }

  /** Hands over a long span; the children of a short one belong to what is around it. */
  #export(record: Float64Array): void {
    const id = record[RECORD.id];
    const around = this.#ended.get(record[RECORD.parent]) ?? this.#ended.get(id) ?? ROOT_CONTEXT;
    if (durationOf(record) < this.minDurationNs) return this.#remember(id, around);
    const startTime = this.#timeOf(record[RECORD.startNs]);
    const { op, device } = this.profiler.describe(record, 0);
    const attributes = attributesOf(record, device);
    const span = this.tracer.startSpan(op, { kind: SpanKind.INTERNAL, startTime, attributes }, around);
    span.end(this.#timeOf(record[RECORD.endNs]));
    this.#remember(id, trace.setSpan(around, span));
  }

  #remember(id: number, below: Context): void {
    this.#ended.delete(id);
    this.#ended.set(id, below);
    if (this.#ended.size <= REMEMBERED) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      return;
    }
  }

  /** Seconds and nanoseconds: one number of milliseconds since 1970 would be exact to 0.2 µs only. */
  #timeOf(ns: number): HrTime {
    const originS = Math.floor(this.profiler.originEpochMs / 1000);
    const all = Math.round((this.profiler.originEpochMs - originS * 1000) * 1e6 + ns);
    return [originS + Math.floor(all / 1e9), all % 1e9];
  }
}

function durationOf(record: Float64Array): number {
  return record[RECORD.endNs] - record[RECORD.startNs];
}

function attributesOf(record: Float64Array, device: string): Attributes {
  const attributes: Attributes = { 'armilla.device': device };
  const put = (name: string, value: number, scale = 1): void => {
    if (value > 0) attributes[`armilla.${name}`] = value * scale;
  };
  put('queue_seconds', record[RECORD.queueNs], 1e-9);
  put('upload_seconds', record[RECORD.uploadNs], 1e-9);
  put('kernel_seconds', record[RECORD.kernelNs], 1e-9);
  put('readback_seconds', record[RECORD.readbackNs], 1e-9);
  put('overhead_seconds', record[RECORD.overheadNs], 1e-9);
  put('bytes', record[RECORD.bytes]);
  put('flops', record[RECORD.flops]);
  put('memory_bytes', record[RECORD.memoryBytes]);
  if (record[RECORD.decision] >= 0) attributes['armilla.decision'] = record[RECORD.decision];
  return attributes;
}

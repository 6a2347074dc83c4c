import type { SpanFacts, SpanOptions } from './profiler.js';

/** One operation while it runs. Ends with `end`, or with the block that declares it by `using`. */
export interface Span extends Disposable {
  /** False of the span that a disabled profiler gives. */
  readonly recorded: boolean;
  /** Adds to the times, sizes and counts of the span; the last memory and decision stand. */
  add(facts: SpanFacts): this;
  /** A span inside this one, whatever runs beside it. */
  scope(op: string, options?: Omit<SpanOptions, 'parent'>): Span;
  /** A second call does nothing. */
  end(): void;
}

/** What `scope` gives while the profiler is off. */
export const NO_SPAN: Span = {
  recorded: false,
  add() {
    return this;
  },
  scope() {
    return this;
  },
  end() {},
  [Symbol.dispose]() {},
};

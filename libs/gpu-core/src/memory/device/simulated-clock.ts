import type { Clock } from './clock.js';

/** A clock that stands still until `advance`. */
export class SimulatedClock implements Clock {
  #nowMs = 0;
  readonly #due = new Set<{ atMs: number; action: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, action };
    this.#due.add(entry);
    return () => this.#due.delete(entry);
  }

  /** Moves on by `ms` and runs what falls due, in its order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      let next: { atMs: number; action: () => void } | undefined;
      for (const entry of this.#due) if (entry.atMs <= endMs && (!next || entry.atMs < next.atMs)) next = entry;
      if (next === undefined) break;
      this.#due.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.action();
    }
    this.#nowMs = endMs;
  }
}

/** Predicted time until each queue is idle: what was begun and has not ended, less what ran since. */
export class Backlog {
  readonly #queues = new Map<string, { outstandingMs: number; count: number; busySinceMs: number }>();

  /** Predicted wait of a call that comes now, ms. */
  waitMs(queue: string, nowMs: number): number {
    const state = this.#queues.get(queue);
    if (state === undefined || state.count === 0) return 0;
    return Math.max(0, state.outstandingMs - (nowMs - state.busySinceMs));
  }

  begin(queue: string, serviceMs: number, nowMs: number): void {
    let state = this.#queues.get(queue);
    if (state === undefined) this.#queues.set(queue, (state = { outstandingMs: 0, count: 0, busySinceMs: nowMs }));
    if (state.count === 0) state.busySinceMs = nowMs;
    state.count++;
    state.outstandingMs += serviceMs;
  }

  end(queue: string, serviceMs: number, nowMs: number): void {
    const state = this.#queues.get(queue);
    if (state === undefined || state.count === 0) return;
    state.count--;
    state.outstandingMs = state.count === 0 ? 0 : Math.max(0, state.outstandingMs - serviceMs);
    state.busySinceMs = nowMs;
  }
}

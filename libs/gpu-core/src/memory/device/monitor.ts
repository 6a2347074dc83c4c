import { CLEANUP_AT, type PressureLevel, pressureLevel } from './budget.js';
import { type Clock, systemClock } from './clock.js';
import type { DeviceMemory } from './device-memory.js';
import type { LeaseRecord } from './ledger.js';
import { type LeakOptions, type LeakReport, LeakWatch, lostLease } from './leaks.js';
import type { MemoryProbe } from './probe.js';

/** The memory at one moment, bytes. */
export interface MemorySample {
  readonly atMs: number;
  readonly requestedBytes: number;
  readonly usedBytes: number;
  readonly pendingBytes: number;
  readonly reservedBytes: number;
  /** Undefined where the budget is unknown. */
  readonly pressure: number | undefined;
}

export interface MonitorOptions extends LeakOptions {
  readonly clock?: Clock;
  /** Time between samples, ms; 1000 if left out. */
  readonly periodMs?: number;
  /** Samples that are kept; 1000 if left out. */
  readonly kept?: number;
  readonly onLevel?: (level: PressureLevel, before: PressureLevel | 'unknown') => void;
  readonly onLeak?: (report: LeakReport) => void;
  /** After each look. */
  readonly onSample?: (sample: MemorySample) => void;
  /** A clean-up of the monitor's failed. */
  readonly onProblem?: (error: unknown) => void;
}

/**
 * Looks at the memory of a device about once a second: tells when the pressure changes its level, cleans up from 85 % on
 * and reports leaks. The last samples are kept.
 */
export class MemoryMonitor implements Disposable {
  /** "unknown" where nothing tells what the device has. */
  level: PressureLevel | 'unknown';
  readonly #leaks: LeakReport[] = [];
  readonly #samples: MemorySample[] = [];
  readonly #watch: LeakWatch;
  readonly #clock: Clock;
  readonly #kept: number;
  #oldest = 0;
  #cleaning = false;
  #probe: MemoryProbe | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly memory: DeviceMemory,
    private readonly options: MonitorOptions = {},
  ) {
    this.#clock = options.clock ?? systemClock;
    this.#kept = options.kept ?? 1000;
    this.level = memory.budget.bytes === undefined ? 'unknown' : 'low';
    this.#watch = new LeakWatch(memory.pool.ledger, options);
  }

  /** Oldest first. */
  get samples(): MemorySample[] {
    return [...this.#samples.slice(this.#oldest), ...this.#samples.slice(0, this.#oldest)];
  }

  /** The last hundred alarms. */
  get leaks(): readonly LeakReport[] {
    return this.#leaks;
  }

  start(): void {
    const periodMs = this.options.periodMs ?? 1000;
    const next = (): void => {
      this.sample();
      this.#cancel = this.#clock.after(periodMs, next);
    };
    this.#cancel ??= this.#clock.after(periodMs, next);
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** What a probe says now about the device as a whole: other programs press as well. */
  observe(probe: MemoryProbe): void {
    this.#probe = probe;
  }

  /** A lease was lost: to be given to the pool as `onLoss`. */
  readonly onLoss = (record: LeaseRecord): void => this.#alarm(lostLease(record, this.#clock.now()));

  sample(): MemorySample {
    const nowMs = this.#clock.now();
    const { pool, pressure, reservedBytes } = this.memory;
    const shares: number[] = [];
    if (pressure !== undefined) shares.push(pressure);
    const { usedBytes, totalBytes } = this.#probe ?? {};
    if (usedBytes !== undefined && totalBytes !== undefined) shares.push(usedBytes / totalBytes);
    const sample: MemorySample = {
      atMs: nowMs,
      requestedBytes: pool.ledger.requestedBytes,
      usedBytes: pool.usedBytes,
      pendingBytes: pool.pendingBytes,
      reservedBytes,
      pressure: shares.length > 0 ? Math.max(...shares) : undefined,
    };
    if (this.#samples.length < this.#kept) this.#samples.push(sample);
    else {
      this.#samples[this.#oldest] = sample;
      this.#oldest = (this.#oldest + 1) % this.#kept;
    }
    this.#tellLevel(sample.pressure);
    for (const report of this.#watch.look(nowMs)) this.#alarm(report);
    this.options.onSample?.(sample);
    return sample;
  }

  #tellLevel(pressure: number | undefined): void {
    if (pressure === undefined) return;
    const before = this.level;
    const level = (this.level = pressureLevel(pressure));
    if (level !== before) this.options.onLevel?.(level, before);
    if (pressure < CLEANUP_AT || this.#cleaning) return;
    this.#cleaning = true;
    this.memory
      .cleanup()
      .catch((error: unknown) => this.options.onProblem?.(error))
      .finally(() => (this.#cleaning = false));
  }

  #alarm(report: LeakReport): void {
    this.#leaks.push(report);
    if (this.#leaks.length > 100) this.#leaks.shift();
    this.options.onLeak?.(report);
  }
}

import { idleClock } from '../../memory/device/clock.js';
import type { DeviceMemory } from '../../memory/device/device-memory.js';
import type { LeaseRecord } from '../../memory/device/ledger.js';
import { MemoryMonitor, type MemorySample } from '../../memory/device/monitor.js';
import { type MemoryProbe, probeMemory, type ProbeOptions } from '../../memory/device/probe.js';
import { type MemoryNews, type MemorySnapshot, memorySnapshot } from '../../memory/device/snapshot.js';

/** Programs that are asked take a process each: no more often than this, and only while the device works. */
const PROBE_MS = 10_000;

/** Watches the memory of one life of a device: levels, clean-up, leaks, what other programs take, and news for the host. */
export class MemoryWatch implements Disposable {
  readonly #monitor: MemoryMonitor;
  readonly #abort = new AbortController();
  readonly #canProbe: boolean;
  #told = '';
  #probedMs = performance.now();
  #probing: Promise<void> | undefined;

  constructor(
    private readonly memory: DeviceMemory,
    firstProbe: MemoryProbe,
    private readonly probeOptions: ProbeOptions,
    private readonly tell: (news: MemoryNews) => void,
  ) {
    this.#monitor = new MemoryMonitor(memory, { clock: idleClock, onSample: (sample) => this.#tellChange(sample) });
    this.#canProbe = firstProbe.source === 'nvidia-smi' || firstProbe.source === 'amdgpu';
    if (this.#canProbe) this.#monitor.observe(firstProbe);
    this.#monitor.start();
  }

  /** To be given to the pool. */
  readonly onLoss = (record: LeaseRecord): void => this.#monitor.onLoss(record);

  /** Looks now; it does so once a second by itself. */
  look(): void {
    this.#monitor.sample();
  }

  snapshot(): MemorySnapshot {
    return memorySnapshot(this.memory, this.#monitor);
  }

  /** A job has ended. */
  afterJob(): void {
    if (!this.#canProbe || this.#probing !== undefined || performance.now() - this.#probedMs < PROBE_MS) return;
    this.#probing = probeMemory({ ...this.probeOptions, signal: this.#abort.signal }).then((probe) => {
      this.#probing = undefined;
      this.#probedMs = performance.now();
      if (probe.source !== 'unknown') this.#monitor.observe(probe);
    });
  }

  [Symbol.dispose](): void {
    this.#monitor[Symbol.dispose]();
    this.#abort.abort();
  }

  #tellChange(sample: MemorySample): void {
    const { level, leaks } = this.#monitor;
    const { atMs: _atMs, ...state } = sample;
    const now = JSON.stringify([state, level, leaks.length]);
    if (now === this.#told) return;
    this.#told = now;
    this.tell({ level, sample, stats: this.memory.stats(), leaks });
  }
}

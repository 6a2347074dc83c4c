import type { PressureLevel } from './budget.js';
import type { DeviceMemory, MemoryStats } from './device-memory.js';
import type { LeakReport } from './leaks.js';
import type { MemoryMonitor, MemorySample } from './monitor.js';

/** All that is known about the memory of a device, as plain JSON. */
export interface MemorySnapshot {
  readonly version: 1;
  readonly atMs: number;
  readonly level: PressureLevel | 'unknown';
  readonly stats: MemoryStats;
  readonly samples: readonly MemorySample[];
  readonly leaks: readonly LeakReport[];
}

export function memorySnapshot(memory: DeviceMemory, monitor: MemoryMonitor): MemorySnapshot {
  const { atMs } = monitor.sample();
  return {
    version: 1,
    atMs,
    level: monitor.level,
    stats: memory.stats(),
    samples: monitor.samples,
    leaks: monitor.leaks,
  };
}

/** How the memory of a device stands: what its host hears of it, plain data. */
export interface MemoryNews {
  readonly level: PressureLevel | 'unknown';
  readonly sample: MemorySample;
  readonly stats: MemoryStats;
  readonly leaks: readonly LeakReport[];
}

/** A counter of the Chrome trace format, which Perfetto draws as a line; `ts` in microseconds. */
export interface CounterEvent {
  readonly name: string;
  readonly ph: 'C';
  readonly ts: number;
  readonly pid: number;
  readonly args: Readonly<Record<string, number>>;
}

/** The samples as counter tracks: bytes by state, and the pressure in percent where it is known. */
export function memoryCounterEvents(samples: readonly MemorySample[], device: string, pid: number): CounterEvent[] {
  return samples.flatMap((sample) => {
    const at = { ph: 'C', ts: Math.round(sample.atMs * 1000), pid } as const;
    const { usedBytes: used, pendingBytes: pending, reservedBytes: reserved, requestedBytes: requested } = sample;
    // Perfetto stacks the series of one counter: their sum is what is reserved.
    const args = { used, pending, idle: Math.max(0, reserved - used - pending) };
    const events: CounterEvent[] = [
      { name: `${device} memory bytes`, ...at, args },
      { name: `${device} requested bytes`, ...at, args: { requested } },
    ];
    if (sample.pressure !== undefined) {
      events.push({ name: `${device} pressure percent`, ...at, args: { pressure: sample.pressure * 100 } });
    }
    return events;
  });
}

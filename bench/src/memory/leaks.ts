import { Random } from '@armilla/base';
import { DeviceMemory, type DevicePool, MemoryMonitor, SimulatedBuffers, SimulatedClock } from '@armilla/gpu-core';
import { median } from '../measure.js';

/** Until a leak is told, and alarms where there is none; simulated time. */
export interface LeakAlarms {
  readonly case: 'leaks';
  readonly seeds: number;
  /** Leaks of 400 kB/s beside calls that were told under their own label, within a minute. */
  readonly found: number;
  readonly median_s: number;
  readonly max_s: number;
  /** Hours of steady calls, by their kind, and the alarms in them. */
  readonly steady_hours: number;
  readonly false_alarms: Readonly<Record<string, number>>;
}

const MIB = 2 ** 20;
const STORAGE = 0x80;
const MINUTES = 30;

interface Scene {
  readonly pool: DevicePool;
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly alarms: string[];
}

export function leakAlarms(seeds: number): LeakAlarms {
  const seconds: number[] = [];
  const alarms = { '2 s': 0, '8 s': 0, 'a tenth 20 s, else 0.2 s': 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const found = timeToAlarm(scene(seed));
    if (found !== undefined) seconds.push(found);
    alarms['2 s'] += falseAlarms(scene(seed), 20, () => 2);
    alarms['8 s'] += falseAlarms(scene(seed), 13, () => 8);
    alarms['a tenth 20 s, else 0.2 s'] += falseAlarms(scene(seed), 20, (random) => (random.uniform() < 0.9 ? 0.2 : 20));
  }
  return {
    case: 'leaks',
    seeds,
    found: seconds.length,
    median_s: median(seconds),
    max_s: Math.max(...seconds),
    steady_hours: (seeds * MINUTES) / 60,
    false_alarms: alarms,
  };
}

function scene(seed: number): Scene {
  const device = new SimulatedBuffers();
  const clock = new SimulatedClock();
  const alarms: string[] = [];
  const budget = { bytes: undefined, source: 'unknown', detail: 'bench' } as const;
  const memory = new DeviceMemory(device, device, { budget, clock, slabBytes: 8 * MIB });
  new MemoryMonitor(memory, { clock, onLeak: ({ label }) => alarms.push(label) }).start();
  return { pool: memory.pool, clock, random: new Random(seed), alarms };
}

/** A call of 16 KiB to 2 MiB; lives are exponential about the mean. */
function call({ pool, clock, random }: Scene, meanSeconds: number, label: string): void {
  const lease = pool.lease(Math.floor(2 ** random.between(14, 21)), STORAGE, label);
  clock.after(-Math.log(1 - random.uniform()) * meanSeconds * 1000, () => lease.release());
}

function timeToAlarm(scene: Scene): number | undefined {
  const { pool, clock, alarms } = scene;
  const second = (): void => {
    for (let i = 0; i < 20; i++) call(scene, 2, 'steady');
    clock.advance(1000);
  };
  for (let i = 0; i < 120; i++) second();
  const kept: unknown[] = [];
  for (let i = 1; i <= 60; i++) {
    kept.push(pool.lease(400_000, STORAGE, 'leak'));
    call(scene, 1, 'leak');
    second();
    if (alarms.length > 0) return alarms[0] === 'leak' ? i : undefined;
  }
  return undefined;
}

/** After five minutes, in which it begins. */
function falseAlarms(scene: Scene, perSecond: number, meanSeconds: (random: Random) => number): number {
  let before = 0;
  for (let second = 0; second < MINUTES * 60 + 300; second++) {
    for (let i = 0; i < perSecond; i++) call(scene, meanSeconds(scene.random), 'steady');
    scene.clock.advance(1000);
    if (second === 300) before = scene.alarms.length;
  }
  return scene.alarms.length - before;
}

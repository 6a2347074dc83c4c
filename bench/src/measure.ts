import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Measurement {
  readonly min_s: number;
  readonly median_s: number;
  readonly max_s: number;
  /** User and system time of this process per repetition, median. */
  readonly cpu_s: number;
  /** Largest resident memory of this process while the work ran, inputs included. */
  readonly peak_rss_mib: number;
  readonly repeats: number;
}

/**
 * Times `work` over fresh inputs: `prepare` makes new ones for every repetition, outside the clock. The first `warmUps`
 * repetitions are not counted.
 */
export async function measure<T>(
  repeats: number,
  prepare: (repeat: number) => T | Promise<T>,
  work: (input: T, repeat: number) => Promise<void>,
  warmUps = 2,
): Promise<Measurement> {
  const seconds: number[] = [];
  const cpu: number[] = [];
  let peakRssMib = 0;
  for (let repeat = -warmUps; repeat < repeats; repeat++) {
    const input = await prepare(repeat);
    // What making the input left behind is not ours to clear inside the clock, nor to count as ours. Buffers are freed
    // in the background, some time after the collection that finds them.
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    collectGarbage();
    const stop = watchRss();
    const cpuBefore = process.cpuUsage();
    const start = performance.now();
    await work(input, repeat);
    const elapsed = (performance.now() - start) / 1000;
    const used = process.cpuUsage(cpuBefore);
    peakRssMib = Math.max(peakRssMib, stop());
    if (repeat >= 0) {
      seconds.push(elapsed);
      cpu.push((used.user + used.system) / 1e6);
    }
  }
  return summarise(seconds, median(cpu), peakRssMib);
}

export function summarise(seconds: readonly number[], cpuSeconds: number, peakRssMib: number): Measurement {
  return {
    min_s: Math.min(...seconds),
    median_s: median(seconds),
    max_s: Math.max(...seconds),
    cpu_s: cpuSeconds,
    peak_rss_mib: Math.round(peakRssMib),
    repeats: seconds.length,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** p in [0, 1]; nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))];
}

const SETTLE_MS = 50;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Samples resident memory every 10 ms (timers cannot run inside synchronous work; the kernel's workers leave room). */
function watchRss(): () => number {
  let peak = rssMib();
  const timer = setInterval(() => (peak = Math.max(peak, rssMib())), 10);
  return () => {
    clearInterval(timer);
    return Math.max(peak, rssMib());
  };
}

function rssMib(): number {
  return process.memoryUsage.rss() / 2 ** 20;
}

/** Largest resident memory that the kernel saw of a process, MiB; undefined where /proc is missing. */
export function peakRssOfProcessMib(pid: number | 'self'): number | undefined {
  return statusOfProcessMib(pid, 'VmHWM');
}

/** Resident memory of a process now, MiB; undefined where /proc is missing. */
export function rssOfProcessMib(pid: number): number | undefined {
  return statusOfProcessMib(pid, 'VmRSS');
}

function statusOfProcessMib(pid: number | 'self', key: string): number | undefined {
  try {
    const line = new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line ? Number(line[1]) / 1024 : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { Random } from '@armilla/base';
import { Dispatcher, type DType, routedOperations, Runtime } from '@armilla/gpu-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../measure.js';

export interface RealLosses {
  readonly case: 'real';
  readonly devices: readonly string[];
  /** Different calls: operation, type and size. */
  readonly cells: number;
  readonly calls: number;
  /** Wall time of the calibration, first calls included. */
  readonly calibration_ms: number;
  /**
   * Medians of the chosen devices, by those of the devices of an oracle that knows one half of the measurements; both are judged by the
   * other half, and the halves change places. An oracle that is judged by what it knows would take luck for speed.
   */
  readonly router_by_oracle: number;
  /** The same for the second half of the calls. */
  readonly late_router_by_oracle: number;
  /** What that oracle loses to one that knows the half by which both are judged: less than this is not told apart in one run. */
  readonly resolution: number;
  /** Wall time of all calls through the router, by the means of the fastest devices: its own work included. */
  readonly wall_by_oracle: number;
  /** The same device for every call, as far as it can do them all. */
  readonly always_by_oracle: Readonly<Record<string, number>>;
}

interface Cell {
  readonly name: string;
  readonly input: object;
  /** Measured ms by device. */
  readonly times: Readonly<Record<string, number[]>>;
}

/** A call on that device, or where the router says. */
interface Step {
  readonly cell: Cell;
  readonly device?: string;
}

interface RoutedCall {
  readonly cell: Cell;
  readonly chosen: string;
  readonly wallMs: number;
}

const SIZES_OF_AN_OPERATION = 6;

/**
 * The router of this machine after a calibration, on calls of random operation, type and size, with the backends that are
 * here. Its calls and those of each device by name come in one shuffled stream: what lies in the caches, and what else the
 * machine does, is the same for all.
 */
export async function realLosses({ quick = false } = {}): Promise<RealLosses> {
  const repeats = quick ? 2 : 20;
  const callCount = quick ? 200 : 1500;
  await using runtime = await Runtime.create();
  const stateFolder = await mkdtemp(join(tmpdir(), 'armilla-bench-'));
  try {
    // One measures every device by name, which teaches nothing to the one that is judged.
    const judge = await Dispatcher.open(runtime, { stateFolder, environment: '' });
    const judged = await Dispatcher.open(runtime, { stateFolder, environment: '' });
    const start = performance.now();
    await judged.calibrate();
    const calibrationMs = performance.now() - start;
    const cells: Cell[] = [];
    for (const { name, input, devices } of inputs(judge)) {
      // The first call compiles and takes memory.
      for (const device of devices) await judge.run(name, input, { device });
      cells.push({ name, input, times: Object.fromEntries(devices.map((device) => [device, []])) });
    }
    const random = new Random(11);
    const steps = cells.flatMap((cell) =>
      Object.keys(cell.times).flatMap((device) => Array<Step>(repeats).fill({ cell, device })),
    );
    for (let i = 0; i < callCount; i++) steps.push({ cell: cells[random.below(cells.length)] });
    const calls: RoutedCall[] = [];
    for (const { cell, device } of shuffled(steps, random)) {
      const { name, input, times } = cell;
      let chosen = '';
      const ms = await timed(async () => {
        if (device !== undefined) await judge.run(name, input, { device });
        else chosen = (await judged.run(name, input)).decision.chosen;
      });
      if (device !== undefined) times[device].push(ms);
      else calls.push({ cell, chosen, wallMs: ms });
    }
    const devices = judged.router.devices.map(({ id }) => id);
    return { case: 'real', devices, cells: cells.length, calibration_ms: calibrationMs, ...ratios(calls, devices) };
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
}

function ratios(
  calls: readonly RoutedCall[],
  devices: readonly string[],
): Omit<RealLosses, 'case' | 'devices' | 'cells' | 'calibration_ms'> {
  const costs = new Map([...new Set(calls.map(({ cell }) => cell))].map((cell) => [cell, costsOf(cell)]));
  const total = (some: readonly RoutedCall[], ms: (cost: Costs, chosen: string) => number): number =>
    some.reduce((sum, { cell, chosen }) => sum + ms(costs.get(cell) as Costs, chosen), 0);
  const oracle = ({ even, odd }: Costs): number => odd[least(even)] + even[least(odd)];
  const byOracle = (some: readonly RoutedCall[], device: (chosen: string) => string): number =>
    total(some, ({ even, odd }, chosen) => even[device(chosen)] + odd[device(chosen)]) / total(some, oracle);
  const wallMs = calls.reduce((sum, call) => sum + call.wallMs, 0);
  return {
    calls: calls.length,
    router_by_oracle: byOracle(calls, (chosen) => chosen),
    late_router_by_oracle: byOracle(calls.slice(calls.length >> 1), (chosen) => chosen),
    resolution: total(calls, oracle) / total(calls, ({ even, odd }) => even[least(even)] + odd[least(odd)]),
    wall_by_oracle: wallMs / total(calls, ({ mean, fastest }) => mean[fastest]),
    always_by_oracle: Object.fromEntries(
      devices.flatMap((id) => {
        const ratio = byOracle(calls, () => id);
        return Number.isNaN(ratio) ? [] : [[id, ratio]];
      }),
    ),
  };
}

/** Milliseconds by device. */
type ByDevice = Readonly<Record<string, number>>;

interface Costs {
  readonly mean: ByDevice;
  /** Medians of one half of the measurements, and of the other. */
  readonly even: ByDevice;
  readonly odd: ByDevice;
  /** By median. */
  readonly fastest: string;
}

function costsOf({ times }: Cell): Costs {
  const by = (of: (all: readonly number[]) => number): ByDevice =>
    Object.fromEntries(Object.entries(times).map(([device, all]) => [device, of(all)]));
  return {
    mean: by((all) => all.reduce((sum, ms) => sum + ms, 0) / all.length),
    even: by((all) => median(all.filter((_, i) => i % 2 === 0))),
    odd: by((all) => median(all.filter((_, i) => i % 2 === 1))),
    fastest: least(by(median)),
  };
}

export function realLossLines(losses: RealLosses): string[] {
  const always = Object.entries(losses.always_by_oracle).map(([id, ratio]) => `${id} ${ratio.toFixed(2)}`);
  return [
    `this machine (${losses.devices.join(', ')}): ${losses.calls} calls of ${losses.cells} kinds, total time by that of an oracle`,
    `  after a calibration (${(losses.calibration_ms / 1000).toFixed(1)} s with first calls)`.padEnd(50) +
      `${losses.router_by_oracle.toFixed(3)}, its second half ${losses.late_router_by_oracle.toFixed(3)}`,
    `  wall time through the router`.padEnd(50) + losses.wall_by_oracle.toFixed(3),
    `  what the measurements tell apart`.padEnd(50) + losses.resolution.toFixed(3),
    `  always the same`.padEnd(50) + always.join(', '),
  ];
}

/** Every operation and type at sizes evenly spread in the logarithm. */
function* inputs(judge: Dispatcher): Generator<{ name: string; input: object; devices: string[] }> {
  const random = new Random(7);
  for (const routed of routedOperations()) {
    for (const dtype of routed.dtypes as readonly DType[]) {
      const devices = judge.router.devices.filter(({ kind }) => kind in routed.operation.backends).map(({ id }) => id);
      for (let i = 0; i < SIZES_OF_AN_OPERATION; i++) {
        const share = (i + 0.5) / SIZES_OF_AN_OPERATION;
        const n = Math.round(routed.smallest * (routed.largest / routed.smallest) ** share);
        yield { name: routed.operation.name, input: routed.sample(n, dtype, random) as object, devices };
      }
    }
  }
}

function least(ms: ByDevice): string {
  return Object.keys(ms).reduce((best, device) => (ms[device] < ms[best] ? device : best));
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

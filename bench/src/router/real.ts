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
  /** Medians of the chosen devices, by those of the fastest device of every call. */
  readonly router_by_oracle: number;
  /** The same for the second half of the calls. */
  readonly late_router_by_oracle: number;
  /** What an oracle of one half of the measurements loses by the other half: nothing is told apart below this. */
  readonly resolution: number;
  /** Wall time of all calls through the router, by the medians of the fastest devices: noise and its own work included. */
  readonly wall_by_oracle: number;
  /** The same device for every call, as far as it can do them all. */
  readonly always_by_oracle: Readonly<Record<string, number>>;
}

interface Cell {
  readonly name: string;
  readonly input: object;
  /** Median ms by device. */
  readonly ms: Readonly<Record<string, number>>;
  /** The same of one half of the measurements, and of the other. */
  readonly halves: readonly [Readonly<Record<string, number>>, Readonly<Record<string, number>>];
}

const SIZES_OF_AN_OPERATION = 6;

/** The router of this machine after a calibration, on calls of random operation, type and size, with the backends that are here. */
export async function realLosses({ quick = false } = {}): Promise<RealLosses> {
  const repeats = quick ? 3 : 7;
  const calls = quick ? 200 : 1500;
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
      const times: Record<string, number[]> = Object.fromEntries(devices.map((device) => [device, []]));
      for (let repeat = 0; repeat < repeats; repeat++)
        for (const device of devices) times[device].push(await timed(() => judge.run(name, input, { device })));
      // The first call compiles and takes memory.
      const medians = (part: (i: number) => boolean): Record<string, number> =>
        Object.fromEntries(
          Object.entries(times).map(([device, all]) => [device, median(all.slice(1).filter((_, i) => part(i)))]),
        );
      const halves = [medians((i) => i % 2 === 0), medians((i) => i % 2 === 1)] as const;
      cells.push({ name, input, ms: medians(() => true), halves });
    }
    const random = new Random(11);
    const totals = { router: 0, oracle: 0, wall: 0, lateRouter: 0, lateOracle: 0, half: 0, halfOracle: 0 };
    const always: Record<string, number> = {};
    for (let i = 0; i < calls; i++) {
      const { name, input, ms, halves } = cells[random.below(cells.length)];
      let chosen = '';
      totals.wall += await timed(async () => (chosen = (await judged.run(name, input)).decision.chosen));
      const best = Math.min(...Object.values(ms));
      totals.router += ms[chosen];
      totals.oracle += best;
      totals.half += halves[1][fastest(halves[0])];
      totals.halfOracle += halves[1][fastest(halves[1])];
      if (2 * i >= calls) {
        totals.lateRouter += ms[chosen];
        totals.lateOracle += best;
      }
      for (const { id } of judged.router.devices) always[id] = (always[id] ?? 0) + (ms[id] ?? NaN);
    }
    return {
      case: 'real',
      devices: judged.router.devices.map(({ id }) => id),
      cells: cells.length,
      calls,
      calibration_ms: calibrationMs,
      router_by_oracle: totals.router / totals.oracle,
      late_router_by_oracle: totals.lateRouter / totals.lateOracle,
      resolution: totals.half / totals.halfOracle,
      wall_by_oracle: totals.wall / totals.oracle,
      always_by_oracle: Object.fromEntries(
        Object.entries(always).flatMap(([id, ms]) => (Number.isNaN(ms) ? [] : [[id, ms / totals.oracle]])),
      ),
    };
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
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

function fastest(ms: Readonly<Record<string, number>>): string {
  return Object.keys(ms).reduce((best, device) => (ms[device] < ms[best] ? device : best));
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

import { Random } from '@armilla/base';
import { Dispatcher, Runtime } from '@armilla/gpu-core';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../measure.js';

export interface MixedWorkload {
  readonly case: 'mixed';
  readonly runs: number;
  /** Median wall time of the whole workload, ms: by the router after a calibration, and always on one device that can do all of it. */
  readonly router_ms: number;
  readonly always_ms: Readonly<Record<string, number>>;
  /** Sum of each call's least median over the devices, ms: nothing can choose better. */
  readonly oracle_ms: number;
  readonly router_by_best_single: number;
  /** Medians of the chosen devices, by those of the fastest of every call. */
  readonly router_by_oracle: number;
}

const PAIRS = 50;
const DTYPES = { 'gpu.xor': 'u8', 'gpu.matmul': 'f32' } as const;
const NAMES = ['gpu.xor', 'gpu.matmul'] as const;

interface Call {
  readonly name: string;
  readonly input: object;
}

/** 50 small xor and 50 large matmul in turns, on the backends of this machine; routes take turns, so that noise meets all. */
export async function mixedWorkload({ quick = false } = {}): Promise<MixedWorkload> {
  const runs = quick ? 3 : 9;
  const edges = quick ? [64, 128] : [256, 512];
  await using runtime = await Runtime.create();
  const stateFolder = await mkdtemp(join(tmpdir(), 'armilla-bench-'));
  try {
    const judged = await Dispatcher.open(runtime, { stateFolder, environment: '' });
    const named = await Dispatcher.open(runtime, { stateFolder: join(stateFolder, 'named'), environment: '' });
    await judged.calibrate({ operations: NAMES });
    const calls = workload(edges);
    const xorDevices = judged.placesOf('gpu.xor', 'u8').devices;
    const devices = judged.placesOf('gpu.matmul', 'f32').devices;
    const singles = devices.filter((id) => xorDevices.includes(id) && id !== 'typescript');
    const routerMs: number[] = [];
    const chosen: string[][] = [];
    const alwaysMs: Record<string, number[]> = Object.fromEntries(singles.map((id) => [id, []]));
    const callMs = calls.map((): Record<string, number[]> => ({}));
    for (let run = -1; run < runs; run++) {
      const ran: string[] = [];
      const byRouter = await timed(calls, async ({ name, input }) => {
        const { decision } = await judged.run(name, input);
        ran.push(decision.chosen);
      });
      if (run >= 0) {
        routerMs.push(sum(byRouter));
        chosen.push(ran);
      }
      for (const id of new Set([...devices, ...xorDevices])) {
        // Plain TypeScript takes seconds for the products.
        const able =
          id === 'typescript'
            ? ['gpu.xor']
            : NAMES.filter((name) => judged.placesOf(name, DTYPES[name]).devices.includes(id));
        const mine = calls.flatMap(({ name }, i) => (able.includes(name) ? [i] : []));
        const times = await timed(
          mine.map((i) => calls[i]),
          (call) => named.run(call.name, call.input, { device: id }),
        );
        if (run < 0) continue;
        if (singles.includes(id)) alwaysMs[id].push(sum(times));
        for (const [at, i] of mine.entries()) (callMs[i][id] ??= []).push(times[at]);
      }
    }
    const router_ms = median(routerMs);
    const always_ms = Object.fromEntries(Object.entries(alwaysMs).map(([id, all]) => [id, median(all)]));
    const medians = callMs.map((times) =>
      Object.fromEntries(Object.entries(times).map(([id, all]): [string, number] => [id, median(all)])),
    );
    const oracle_ms = sum(medians.map((times) => Math.min(...Object.values(times))));
    const chosenMs = chosen.map((ids) => sum(ids.map((id, i) => medians[i][id])));
    return {
      case: 'mixed',
      runs,
      router_ms,
      always_ms,
      oracle_ms,
      router_by_best_single: router_ms / Math.min(...Object.values(always_ms)),
      router_by_oracle: median(chosenMs) / oracle_ms,
    };
  } finally {
    await rm(stateFolder, { recursive: true, force: true });
  }
}

export function mixedLines(mixed: MixedWorkload): string[] {
  const line = (name: string, ms: number, more = ''): string => `  ${name.padEnd(30)} ${ms.toFixed(1)} ms${more}`;
  return [
    `${PAIRS} small xor and ${PAIRS} large matmul on this machine (${mixed.runs} runs, medians)`,
    line(
      'router',
      mixed.router_ms,
      `: ${mixed.router_by_best_single.toFixed(3)} of the best single device; its choices ${mixed.router_by_oracle.toFixed(3)} of an oracle's`,
    ),
    ...Object.entries(mixed.always_ms).map(([id, ms]) => line(`always ${id}`, ms)),
    line('oracle', mixed.oracle_ms),
  ];
}

function workload([smallest, largest]: readonly number[]): Call[] {
  const random = new Random(5);
  return Array.from({ length: PAIRS }, () => {
    const bytes = 64 + random.below(4096);
    const n = smallest + random.below(largest - smallest);
    const values = (): Float32Array => new Float32Array(n * n).map(() => random.uniform());
    const key = (): Uint8Array => new Uint8Array(bytes).map(() => random.below(256));
    return [
      { name: 'gpu.xor', input: { left: key(), right: key() } },
      { name: 'gpu.matmul', input: { left: values(), right: values(), rowCount: n, innerCount: n, columnCount: n } },
    ];
  }).flat();
}

async function timed(calls: readonly Call[], run: (call: Call) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (const call of calls) {
    const start = performance.now();
    await run(call);
    times.push(performance.now() - start);
  }
  return times;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

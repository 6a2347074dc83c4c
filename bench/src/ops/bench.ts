import { Runtime, onnxruntimeFault } from '@armilla/gpu-core';
import { median } from '../measure.js';
import { preparePeers, runNumericPeer } from '../peers.js';
import { opsCases, type OpsBackend, type OpsCase, prepare } from './cases.js';

export interface OpsBenchOptions {
  /** Small sizes and few repetitions: tries the benchmark, not the machine. */
  readonly quick: boolean;
  /** Also NumPy and SciPy, after ours in the same run. */
  readonly peers: boolean;
  /** Only cases whose name contains this. */
  readonly only?: string;
  readonly log: (line: string) => void;
}

export interface OpsRow {
  /** "matmul f32 1024". */
  readonly case: string;
  readonly backend: string;
  readonly min_s: number;
  readonly median_s: number;
  readonly repeats: number;
  /** Peer's median by our median. */
  readonly ratio_to_peer?: number;
}

/** Backends and peer take turns so often: what else the machine does meets all of them. */
const ROUNDS = 5;
/** Time that one backend may take at one size in a round, without warm-up. */
const BUDGET_MS = 400;

/** Measures every operation by every CPU backend and the peer; rows of a case come when it is measured. */
export async function* runOpsBench({ quick, peers, only, log }: OpsBenchOptions): AsyncGenerator<OpsRow> {
  const fault = peers ? preparePeers(log) : undefined;
  if (fault !== undefined) log(`peers: ${fault}`);
  const without = await onnxruntimeFault();
  if (without !== undefined) log(`onnxruntime: ${without}`);
  await using runtime = await Runtime.create();
  for (const one of opsCases(quick)) {
    const name = `${one.operation} ${one.dtype} ${one.n}`;
    if (only !== undefined && !name.includes(only)) continue;
    const backends = one.backends.filter((backend) => backend !== 'onnxruntime' || without === undefined);
    const seconds = new Map<string, number[]>(backends.map((backend) => [backend, []]));
    let skipped = !peers || fault !== undefined;
    let peerName: string | undefined;
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
      for (const backend of backends)
        seconds.get(backend)?.push(...(await measured(one, backend, runtime, quick ? 3 : 11)));
      if (skipped) continue;
      const peer = runNumericPeer(one.operation, one.dtype, one.n, quick ? 3 : 11);
      skipped = 'skipped' in peer;
      if ('skipped' in peer) log(`${name}: ${peer.name}: ${peer.skipped}`);
      else {
        peerName = `${peer.name} ${peer.version}`;
        seconds.set(peerName, [...(seconds.get(peerName) ?? []), ...peer.seconds]);
      }
    }
    const there = peerName === undefined ? undefined : median(seconds.get(peerName) as number[]);
    for (const [backend, all] of seconds) {
      const median_s = median(all);
      const ratio = there !== undefined && backend !== peerName ? { ratio_to_peer: there / median_s } : {};
      yield { case: name, backend, min_s: Math.min(...all), median_s, repeats: all.length, ...ratio };
    }
  }
}

/** Seconds of each of at most `mostRepeats` calls. */
async function measured(one: OpsCase, backend: OpsBackend, runtime: Runtime, mostRepeats: number): Promise<number[]> {
  const { run, close } = prepare(one, backend, runtime);
  try {
    // Until the engine has compiled the kernels well.
    for (let i = 0; i < 8; i++) await run();
    const end = performance.now() + BUDGET_MS;
    const seconds: number[] = [];
    do {
      const start = performance.now();
      await run();
      seconds.push((performance.now() - start) / 1000);
    } while (seconds.length < 3 || (seconds.length < mostRepeats && performance.now() < end));
    return seconds;
  } finally {
    close();
  }
}

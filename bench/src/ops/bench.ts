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

/** Time that one backend may take at one size, warm-up included. */
const BUDGET_MS = 1500;

/** Measures every operation by every CPU backend; rows come as they are measured, the peer's behind those of a case. */
export async function* runOpsBench({ quick, peers, only, log }: OpsBenchOptions): AsyncGenerator<OpsRow> {
  const fault = peers ? preparePeers(log) : undefined;
  if (fault !== undefined) log(`peers: ${fault}`);
  const without = await onnxruntimeFault();
  if (without !== undefined) log(`onnxruntime: ${without}`);
  await using runtime = await Runtime.create();
  for (const one of opsCases(quick)) {
    const name = `${one.operation} ${one.dtype} ${one.n}`;
    if (only !== undefined && !name.includes(only)) continue;
    const rows: OpsRow[] = [];
    for (const backend of one.backends) {
      if (backend === 'onnxruntime' && without !== undefined) continue;
      rows.push(await measured(one, name, backend, runtime, quick ? 3 : 31));
    }
    const peer =
      peers && fault === undefined ? runNumericPeer(one.operation, one.dtype, one.n, quick ? 3 : 21) : undefined;
    if (peer !== undefined && 'skipped' in peer) log(`${name}: ${peer.name}: ${peer.skipped}`);
    const there = peer !== undefined && !('skipped' in peer) ? peer : undefined;
    for (const row of rows) yield { ...row, ...(there && { ratio_to_peer: there.median_s / row.median_s }) };
    if (there !== undefined) {
      const { name: peerName, version, ...times } = there;
      yield { case: name, backend: `${peerName} ${version}`, ...times };
    }
  }
}

async function measured(
  one: OpsCase,
  name: string,
  backend: OpsBackend,
  runtime: Runtime,
  mostRepeats: number,
): Promise<OpsRow> {
  const { run, close } = prepare(one, backend, runtime);
  try {
    const end = performance.now() + BUDGET_MS;
    // Until the engine has compiled the kernels well.
    for (let i = 0; i < 5; i++) await run();
    const seconds: number[] = [];
    do {
      const start = performance.now();
      await run();
      seconds.push((performance.now() - start) / 1000);
    } while (seconds.length < 3 || (seconds.length < mostRepeats && performance.now() < end));
    return { case: name, backend, min_s: Math.min(...seconds), median_s: median(seconds), repeats: seconds.length };
  } finally {
    close();
  }
}

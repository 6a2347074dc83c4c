import { Random } from '@armilla/base';
import { crossmatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { clusteredPlane, uniformSky } from '@armilla/sky';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { measure } from '../measure.js';
import { memoryTable, type Sky } from '../memory-table.js';
import { type PeerResult, type PeerSkip, runPeer } from '../peers.js';
import { type BenchOptions, type CaseResult, ratioToBest } from './case.js';

interface KernelCase {
  readonly sky: 'uniform' | 'plane';
  readonly rows: number;
  readonly radiusArcsec: number;
  readonly find: 'nearest' | 'all';
  /** On one core, whichever the machine has. */
  readonly oneCore?: boolean;
  /** Also gather a 64-bit id of each side; otherwise what the peers give: rows and separation. */
  readonly ids?: boolean;
}

const PEERS = ['scipy', 'scipy-sorted', 'scipy-sorted-stable', 'astropy', 'duckdb', 'lsdb', 'stilts'];
/** Above this, peers are asked for one repetition, and only for the main radius. */
const MANY_ROWS = 4_000_000;
const MAIN_RADIUS_ARCSEC = 3;

export function kernelCases(quick: boolean): KernelCase[] {
  const cases: KernelCase[] = [];
  for (const rows of quick ? [100_000] : [1_000_000, 10_000_000]) {
    for (const sky of ['uniform', 'plane'] as const) {
      for (const find of ['nearest', 'all'] as const) {
        for (const radiusArcsec of [1, 3, 10, 60]) cases.push({ sky, rows, radiusArcsec, find });
      }
      cases.push({ sky, rows, radiusArcsec: MAIN_RADIUS_ARCSEC, find: 'nearest', ids: true });
      cases.push({ sky, rows, radiusArcsec: MAIN_RADIUS_ARCSEC, find: 'nearest', oneCore: true });
    }
  }
  return cases;
}

/**
 * From two Arrow tables in ordinary memory to result batches: copy in, partition, join, gather. Without `ids` the batches
 * hold left row, right row and separation, which is what the peers give. Every repetition has new random positions; only code, workers and memory that the allocator keeps are warm.
 */
export async function runKernelCase(one: KernelCase, options: BenchOptions): Promise<CaseResult> {
  const name = caseName(one);
  if (one.oneCore && availableParallelism() > 1) return runOnOneCore(name, options);
  const repeats = options.quick ? 3 : one.rows >= MANY_ROWS ? 7 : 20;
  const make = (seed: number): { left: Sky; right: Sky } =>
    (one.sky === 'uniform' ? uniformSky : clusteredPlane)(new Random(seed), one.rows);
  await using runtime = await Runtime.create();
  let pairs = 0;
  let sum = 0;
  let candidates = 0;
  const ours = await measure(
    repeats,
    (repeat) => {
      const { left, right } = make(1000 + repeat);
      return { left: memoryTable('left', left), right: memoryTable('right', right) };
    },
    async ({ left, right }, repeat) => {
      const stream = await crossmatch(
        left,
        right,
        {
          radiusArcsec: one.radiusArcsec,
          find: one.find,
          columns: [...(one.ids ? ['left.id', 'right.id'] : ['left_row', 'right_row']), 'separation_arcsec'],
        },
        { runtime },
      );
      const separations: Float64Array[] = [];
      for await (const batch of stream) separations.push(batch.getChildAt(2)?.toArray() as Float64Array);
      if (repeat !== 0) return;
      pairs = separations.reduce((count, chunk) => count + chunk.length, 0);
      for (const chunk of separations) for (const separation of chunk) sum += separation;
      candidates = stream.summary().candidateCount;
    },
  );
  const peers = options.peers && !one.oneCore && !one.ids ? peersOf(one, make(1000), options) : [];
  return {
    case: name,
    rows: `${one.rows} x ${one.rows}`,
    ours,
    peers,
    ratio_to_best_peer: ratioToBest(ours.median_s, peers),
    facts: {
      pairs,
      separation_sum_arcsec: Number(sum.toPrecision(12)),
      candidates_per_row: Number((candidates / one.rows).toFixed(2)),
      peers_agree: peers.every((peer) => !('pairs' in peer) || agrees(peer, pairs, sum)),
      disagreeing: peers
        .filter((peer) => 'pairs' in peer && !agrees(peer, pairs, sum))
        .map((peer) => `${peer.name} ${(peer as PeerResult).pairs}`)
        .join(', '),
    },
  };
}

export function caseName(one: KernelCase): string {
  return `kernel ${one.sky} ${one.rows / 1e6}M r=${one.radiusArcsec} ${one.find}${one.ids ? ' ids' : ''}${one.oneCore ? ' 1 core' : ''}`;
}

/** The same case in a process that the system keeps on one core: main thread, worker and garbage collector take turns there. */
function runOnOneCore(name: string, { quick }: BenchOptions): CaseResult {
  const command = [
    process.execPath,
    join(import.meta.dirname, '..', 'main.js'),
    'crossmatch',
    '--json',
    '--only',
    name,
    ...(quick ? ['--quick'] : []),
  ];
  const { status, stdout, stderr, error } = spawnSync('taskset', ['-c', '0', ...command], { encoding: 'utf8' });
  if (error) throw new Error(`one core needs taskset (Debian package util-linux): ${error.message}`);
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as CaseResult;
}

function peersOf(one: KernelCase, sky: { left: Sky; right: Sky }, options: BenchOptions): (PeerResult | PeerSkip)[] {
  const many = one.rows >= MANY_ROWS;
  if (many && (one.radiusArcsec !== MAIN_RADIUS_ARCSEC || one.find !== 'nearest')) return [];
  const files = { left: join(options.folder, 'left'), right: join(options.folder, 'right') };
  for (const side of ['left', 'right'] as const) {
    writeFileSync(`${files[side]}.ra`, sky[side].ra);
    writeFileSync(`${files[side]}.dec`, sky[side].dec);
  }
  const slow = new Set(['astropy', 'lsdb', 'stilts']);
  const wanted = PEERS.filter(
    (name) =>
      (options.with?.includes(name) ?? true) && (one.radiusArcsec === MAIN_RADIUS_ARCSEC || name.startsWith('scipy')),
  );
  return wanted.map((name) => {
    options.log(`  ${name} …`);
    return runPeer(name, files.left, files.right, one.radiusArcsec, one.find, many || slow.has(name) ? 2 : 5);
  });
}

/** Peers round differently: a pair in a hundred thousand and a part in a million of the sum may differ. */
function agrees(peer: PeerResult, pairs: number, sum: number): boolean {
  return (
    Math.abs(peer.pairs - pairs) <= pairs * 1e-5 && Math.abs(peer.separation_sum_arcsec - sum) <= Math.abs(sum) * 1e-5
  );
}

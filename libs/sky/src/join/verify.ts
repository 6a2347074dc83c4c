import { Random } from '@armilla/base';
import type { BackendName, OpenDevice, Runtime } from '@armilla/gpu-core';
import type { Positions } from '../positions/positions.js';
import { join } from './index.js';
import type { ChunkPairs, PairQuery } from './query.js';

export interface KernelVerdict {
  /** "sky.join/wasm nearest", "sky.join/webgpu:0 all" */
  readonly kernel: string;
  readonly ok: boolean;
  /** What was compared, or the first difference. */
  readonly detail: string;
}

/** Runs every kernel, on the devices too, once against its reference, on a small sky with poles, seam, twins and bad rows. */
export async function verifyKernels(
  runtime: Runtime,
  devices: readonly Pick<OpenDevice, 'id' | 'device'>[] = [],
): Promise<KernelVerdict[]> {
  const verdicts: KernelVerdict[] = [];
  const left = testSky(1, 700);
  const right = testSky(2, 600);
  for (let i = 0; i < 200; i++) [right.ra[i], right.dec[i]] = [left.ra[i] + i * 1e-6, left.dec[i]];
  for (const find of ['nearest', 'k-nearest', 'all'] as const) {
    const query: PairQuery = {
      find,
      radiusArcsec: 3600,
      minRadiusArcsec: 0,
      k: 3,
      order: 'left',
      neighbourCount: true,
      secondSeparation: true,
    };
    const expected = await join.on('reference')({ runtime }, { left, right, query });
    for (const { id, ...execution } of [{ id: 'typescript' }, { id: 'wasm' }, ...devices]) {
      const kernel = `${join.name}/${id} ${find}`;
      const backend = 'device' in execution ? 'webgpu' : (id as BackendName);
      try {
        const got = await join.on(backend)({ runtime, ...execution }, { left, right, query });
        const difference = firstDifference(got, expected);
        verdicts.push({
          kernel,
          ok: difference === undefined,
          detail: difference ?? `${expected.pairCount} pairs equal`,
        });
      } catch (error) {
        verdicts.push({ kernel, ok: false, detail: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return verdicts;
}

const COLUMNS = [
  'left',
  'right',
  'separationArcsec',
  'key',
  'rank',
  'neighbourCount',
  'secondSeparationArcsec',
  'status',
] as const;

/** The first place where two answers differ, in words. */
export function firstDifference(got: ChunkPairs, expected: ChunkPairs): string | undefined {
  if (got.pairCount !== expected.pairCount) return `${got.pairCount} pairs, expected ${expected.pairCount}`;
  for (const name of COLUMNS) {
    const [a, b] = [got[name], expected[name]];
    if (a?.length !== b?.length) return `${name} has ${a?.length} values, expected ${b?.length}`;
    for (let i = 0; i < (a?.length ?? 0); i++) {
      if (!Object.is(a?.[i], b?.[i])) return `${name}[${i}] is ${a?.[i]}, expected ${b?.[i]}`;
    }
  }
  return undefined;
}

function testSky(seed: number, n: number): Positions {
  const random = new Random(seed);
  const ra = Float64Array.from({ length: n }, () => random.between(-360, 720));
  const dec = Float64Array.from({ length: n }, () => (Math.asin(random.between(-1, 1)) * 180) / Math.PI);
  for (let i = 0; i < n; i += 7) dec[i] = (i % 2 ? -1 : 1) * (90 - random.between(0, 0.5) * random.below(2));
  for (let i = 3; i < n; i += 7) [ra[i], dec[i]] = [random.normal() * 0.1, random.normal() * 0.1];
  for (let i = 5; i < n; i += 14) [ra[i], dec[i]] = [ra[i - 1] + 180, -dec[i - 1]];
  for (let i = 11; i < n; i += 50) ra[i] = [NaN, Infinity, ra[i]][random.below(3)];
  for (let i = 13; i < n; i += 50) dec[i] = 90.5;
  return { ra, dec };
}

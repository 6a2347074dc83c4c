import { createRequire } from 'node:module';
import { hasWebAssembly, type OpSize, type RoutedOperation } from '@armilla/gpu-core';
import { rowCountOf } from '../positions/pieces.js';
import { uniformSky } from '../simulate/pair.js';
import { deviceRefusal } from './gpu/device-match.js';
import { join, type JoinInput } from './index.js';
import type { ChunkPairs, PairQuery } from './query.js';
import { SkyIndex } from './sky-index.js';
import { firstDifference } from './verify.js';

const { resolve } = createRequire(import.meta.url);

/** Of a position, of an indexed position as a device has it, and of a pair with its separation. */
const ROW_BYTES = 16;
const PLACE_BYTES = 12;
const PAIR_BYTES = 16;

/** The join as router, calibration and `router explain sky.join N` see it; `registerOperation` makes it known to them. */
export const routedJoin: RoutedOperation<JoinInput, ChunkPairs> = {
  operation: join,
  kernelFiles: ['join.wasm', 'join.wgsl'].map((file) => resolve(`@armilla/sky/${file}`)),
  meaning: 'rows a side, nearest within an arcsec',
  dtypes: ['f64'],
  smallest: 256,
  largest: 2 ** 15,
  dtypeOf: () => 'f64',
  sizeOf: (n) => sizeOf(n, n, n),
  sizeOfInput({ left, right, query }) {
    const pieces = 'ra' in left ? [left] : left;
    const rowCount = rowCountOf(pieces);
    if (right instanceof SkyIndex) {
      const size = sizeOf(rowCount, 0, right.expectedPairCount(pieces, query));
      // The rows of an index are where they are needed, but for the first time on a device.
      return right.onDevice ? size : { ...size, bytesIn: size.bytesIn + PLACE_BYTES * right.rowCount };
    }
    return sizeOf(rowCount, right.ra.length, pairsPerRow(query, right.ra.length) * rowCount);
  },
  sample(n, _dtype, random) {
    const { left, right } = uniformSky(random, n);
    return { left, right, query: { find: 'nearest', radiusArcsec: 1, minRadiusArcsec: 0, k: 1, order: 'left' } };
  },
  difference(_input, a, b) {
    const difference = firstDifference(a, b);
    // The pairs of a second run may lie in memory of the index, and go to nobody.
    b.release?.();
    return difference;
  },
  fault(kind, _dtype, input) {
    if ((kind === 'wasm' || kind === 'webgpu') && !hasWebAssembly()) return 'there is no WebAssembly';
    if (kind === 'webgpu') return input && deviceRefusal(input.query);
    if (input?.right instanceof SkyIndex && input.right.kind !== kind) return `the index is one of ${input.right.kind}`;
    return undefined;
  },
  ruleOnly(device, others) {
    const workers = others.filter((id) => id.startsWith('wasm:'));
    if (device === 'typescript' && workers.length > 0) return 'indexes are made in WebAssembly';
    const more = workers.find((id) => Number(id.slice(5)) > Number(device.slice(5)));
    return device.startsWith('wasm:') && more !== undefined ? 'joins share all workers among them' : undefined;
  },
};

function sizeOf(leftCount: number, rightCount: number, pairCount: number): OpSize {
  return {
    work: join.work({ L: leftCount, R: rightCount, P: pairCount }),
    bytesIn: ROW_BYTES * (leftCount + rightCount),
    bytesOut: PAIR_BYTES * pairCount,
  };
}

/** Before the rows are indexed nobody knows how many lie within the radius: one is taken. */
function pairsPerRow({ find, k }: PairQuery, rightCount: number): number {
  return find === 'k-nearest' ? Math.min(k, rightCount) : 1;
}

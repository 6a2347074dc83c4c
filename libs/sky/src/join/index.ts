import { defineOperation, type Runtime } from '@armilla/gpu-core';
import type { Positions } from '../positions/positions.js';
import type { ChunkPairs, PairQuery } from './query.js';
import { referencePairs } from './reference.js';
import { SkyIndex } from './sky-index.js';

export type JoinRun = (runtime: Runtime, left: Positions, right: Positions, query: PairQuery) => Promise<ChunkPairs>;

/** Pairs of left and right rows on the sky; docs/operations/sky.join.md. L, R: rows; P: pairs. */
export const join = defineOperation<JoinRun, { L: number; R: number; P: number }>({
  name: 'sky.join',
  work: ({ L, R, P }) => L + R + P,
  // Pairs, keys and ranks are equal bit for bit; separations too, as they come from the same expression.
  tolerance: { separationArcsec: 0 },
  backends: {
    reference: (_runtime, left, right, query) => Promise.resolve(referencePairs(left, right, query)),
    typescript: async (_runtime, left, right, query) => {
      await using index = await SkyIndex.buildPlain([right]);
      return await index.match(left, query);
    },
    wasm: async (runtime, left, right, query) => {
      await using index = await SkyIndex.build(runtime, [right], { rowCount: right.ra.length });
      return await index.match(left, query);
    },
  },
});

import { fail } from '@armilla/base';
import { defineOperation, type Execution } from '@armilla/gpu-core';
import { concatPositions } from '../positions/pieces.js';
import { type Positions, positionStatuses } from '../positions/positions.js';
import { deviceRefusal } from './gpu/device-match.js';
import { positionsOf, usableRows } from './plain.js';
import { PlainIndex } from './plain-index.js';
import type { ChunkPairs, PairQuery } from './query.js';
import { referencePairs, referencePairsOf } from './reference.js';
import { type ChunkOptions, SkyIndex } from './sky-index.js';

export interface JoinInput extends Pick<ChunkOptions, 'inPlace' | 'marks'> {
  /** May lie in pieces. */
  readonly left: Positions | readonly Positions[];
  /** An index serves any number of joins; positions are indexed for this one. */
  readonly right: Positions | SkyIndex;
  readonly query: PairQuery;
}

export type JoinRun = (execution: Execution, input: JoinInput) => Promise<ChunkPairs>;

/** Pairs of left and right rows on the sky; docs/operations/sky.join.md. L, R: rows (R = 0: indexed before); P: pairs. */
export const join = defineOperation<JoinRun, { L: number; R: number; P: number }>({
  name: 'sky.join',
  work: ({ L, R, P }) => L + R + P,
  // Pairs, keys and ranks are equal bit for bit; separations too, as they come from the same expression.
  tolerance: { separationArcsec: 0 },
  backends: {
    reference: async ({ signal }, { left, right, query }) => {
      const rows = right instanceof SkyIndex ? await right.rows(signal) : undefined;
      const whole = concatPositions(piecesOf(left));
      return rows ? referencePairsOf(whole, rows, query) : referencePairs(whole, right as Positions, query);
    },
    typescript: async ({ signal }, { left, right, query }) => {
      const rows = right instanceof SkyIndex ? await right.rows(signal) : usableRows(right, positionStatuses(right));
      return await new PlainIndex(rows).match(concatPositions(piecesOf(left)), query, signal);
    },
    wasm: joinOnCpu,
    webgpu: async (execution, input) => {
      const { device, runtime, signal, tenant, pieceBytes, maxWaitMs, onHalved, workerCount, fairKey } = execution;
      if (device === undefined) {
        const detail = 'the call was given no device';
        throw fail('BACKEND_UNAVAILABLE', { operation: 'sky.join', backend: 'webgpu', detail });
      }
      const refusal = deviceRefusal(input.query);
      if (refusal !== undefined)
        return runtime.profiler.run(`sky.join on the CPU: ${refusal}`, () => joinOnCpu(execution, input));
      const { left, right, query, inPlace, marks } = input;
      const options = { signal, tenant, pieceBytes, maxWaitMs, onHalved, workerCount, fairKey };
      if (right instanceof SkyIndex && right.kind === 'wasm')
        return await right.matchOn(device, left, query, { ...options, inPlace, marks });
      const positions = right instanceof SkyIndex ? positionsOf(await right.rows(signal)) : right;
      await using index = await SkyIndex.build(runtime, [positions], { rowCount: positions.ra.length, tenant, signal });
      return await index.matchOn(device, left, query, options);
    },
  },
});

async function joinOnCpu(
  { runtime, workerCount, signal, fairKey }: Execution,
  { left, right, query, inPlace, marks }: JoinInput,
): Promise<ChunkPairs> {
  const options = { workerCount, signal, fairKey };
  if (right instanceof SkyIndex) return await right.match(left, query, { ...options, inPlace, marks });
  await using index = await SkyIndex.build(runtime, [right], { rowCount: right.ra.length, signal });
  return await index.match(left, query, options);
}

function piecesOf(left: JoinInput['left']): readonly Positions[] {
  return 'ra' in left ? [left] : left;
}

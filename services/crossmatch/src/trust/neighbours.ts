import type { ChunkPairs, PairQuery, Positions, SkyIndex } from '@armilla/sky';

export type NeighbourPairs = Pick<ChunkPairs, 'pairCount' | 'left' | 'right' | 'separationArcsec' | 'neighbourCount'>;

/** Pairs by left row; `right` counts in `positions`, in which no row is there twice. */
export interface LocatedPairs extends Pick<NeighbourPairs, 'pairCount' | 'left' | 'right' | 'separationArcsec'> {
  readonly positions: Positions;
}

/** The rows of the right table around any positions, wherever it is. Searches that are asked for together may share the reading of it. */
export interface Neighbours {
  /** How many searches are better asked for at once than one after the other, although some may be in vain. */
  readonly together: number;
  /** `right` tells the same row by the same number. */
  match(positions: Positions, query: PairQuery): Promise<NeighbourPairs>;
  /** The same of nearest pairs, with the positions of their right rows. */
  nearest(positions: Positions, query: PairQuery & { readonly find: 'nearest' }): Promise<LocatedPairs>;
}

/** Those of a table in memory, whose rows stand at `positions`: one search at a time, so that memory holds one. */
export function indexedNeighbours(index: SkyIndex, positions: Positions, signal?: AbortSignal): Neighbours {
  let last: Promise<unknown> = Promise.resolve();
  const match = (around: Positions, query: PairQuery): Promise<ChunkPairs> => {
    const found = last.then(() => index.match(around, query, { signal }));
    last = found.catch(() => undefined);
    return found;
  };
  return { together: 1, match, nearest: async (around, query) => ({ ...(await match(around, query)), positions }) };
}

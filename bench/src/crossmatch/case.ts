import type { Measurement } from '../measure.js';
import type { PeerResult, PeerSkip } from '../peers.js';

/** One line of the report; `--json` prints it as it is. */
export interface CaseResult {
  readonly case: string;
  readonly rows: string;
  readonly ours: Measurement;
  readonly peers: readonly (PeerResult | PeerSkip)[];
  /** Best peer's median by our median; undefined without peers. */
  readonly ratio_to_best_peer?: number;
  /** Pairs, checksum, candidates per row, rates: what belongs to the case. */
  readonly facts: Readonly<Record<string, number | string | boolean>>;
}

export interface BenchOptions {
  readonly peers: boolean;
  readonly quick: boolean;
  /** Only cases whose name contains this. */
  readonly only: string | undefined;
  /** Only these peers; all when undefined. */
  readonly with: readonly string[] | undefined;
  readonly folder: string;
  readonly log: (line: string) => void;
}

export function ratioToBest(medianSeconds: number, peers: readonly (PeerResult | PeerSkip)[]): number | undefined {
  const medians = peers.flatMap((peer) => ('median_s' in peer ? [peer.median_s] : []));
  return medians.length === 0 ? undefined : Math.min(...medians) / medianSeconds;
}

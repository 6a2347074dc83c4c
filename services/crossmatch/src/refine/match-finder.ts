import type { Runtime } from '@armilla/gpu-core';
import type { SkyIndex } from '@armilla/sky';
import type { PairCondition } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import type { ResolvedOptions } from '../options.js';
import { PairProbabilities, type WeighedRows } from '../probability/pair-probabilities.js';
import type { ResultLayout } from '../result/layout.js';
import { CandidateFinder } from './candidates.js';
import { comparesEpochs, movingSide } from './epochs.js';
import type { JudgedSide } from './pair-judge.js';
import { JUDGED_COLUMNS } from './pair-list.js';
import { RefinedFinder, type RefinedSearch, withinTurn } from './refined-finder.js';

/** The right rows whose pairs are judged, and what is known of the tables. */
export interface JudgedTables {
  readonly right: JudgedSide;
  readonly leftColumns: AstrometryColumns;
  readonly rightColumns: AstrometryColumns;
}

/** What makes pairs of them. */
export interface JudgedMatch extends JudgedTables {
  readonly options: ResolvedOptions;
  readonly layout: ResultLayout;
  /** What both rows of a pair have to satisfy, and the columns of the right rows that it looks at. */
  readonly condition: { readonly holds: PairCondition; readonly rightRows: () => RecordBatch } | undefined;
  /** The right rows as probabilities weigh them. */
  readonly weighed: WeighedRows;
}

/** How a search for pairs is done. */
export type JudgedSearch = Pick<
  RefinedSearch,
  'workerCount' | 'signal' | 'fairKey' | 'blockRowCount' | 'blockPairCount' | 'maxPairs' | 'self'
>;

/** Where candidates are looked for among right rows that `index` has. Throws OPTIONS_CONFLICT. */
export async function candidatesAmong(
  runtime: Runtime,
  index: SkyIndex,
  { right, leftColumns, rightColumns }: JudgedTables,
  build: { readonly cellRowCount?: number; readonly signal?: AbortSignal },
): Promise<CandidateFinder> {
  if (!comparesEpochs(leftColumns, rightColumns)) return CandidateFinder.resting(index);
  const side = movingSide(withinTurn(right.positions), right.astrometry, rightColumns);
  const { epoch } = leftColumns;
  return CandidateFinder.moving(runtime, index, side, epoch && 'year' in epoch ? epoch.year : undefined, build);
}

/** The rule of an own `find` for each mode: mutual and one-to-one choose from all pairs. */
export function refinedFinder(
  { options, layout, condition, weighed, right, leftColumns, rightColumns }: JudgedMatch,
  candidates: CandidateFinder,
  search: JudgedSearch,
): RefinedFinder {
  const { radiusArcsec, minRadiusArcsec, maxSigma, k, find, selfMatch, probabilities } = options;
  const positions = withinTurn(right.positions);
  const chooses = find === 'mutual' || find === 'one-to-one';
  return new RefinedFinder({
    ...search,
    candidates,
    right: { ...right, positions },
    movingRight: comparesEpochs(leftColumns, rightColumns)
      ? movingSide(positions, right.astrometry, rightColumns)
      : undefined,
    leftColumns,
    rule: { radiusArcsec, minRadiusArcsec, maxSigma, eachPairOnce: selfMatch !== undefined && find === 'all' },
    pairTest: condition && ((part) => condition.holds.over(part.payload.batch(part.rowCount), condition.rightRows())),
    reduction: {
      find: chooses ? 'all' : find,
      k: k ?? 1,
      neighbourCount: layout.has('neighbour_count'),
      secondSeparation: layout.has('second_separation_arcsec'),
    },
    judged: JUDGED_COLUMNS.filter((name) => layout.has(name) || (name === 'dist_bayesfactor' && probabilities)),
    probabilities: probabilities && new PairProbabilities(probabilities, weighed, (name) => layout.has(name)),
  });
}

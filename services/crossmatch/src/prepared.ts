import type { PairCondition, TableReader } from '@armilla/tables';
import type { CatalogTable } from './catalog-table.js';
import type { PositionColumns } from './columns.js';
import type { MatchContext } from './match.js';
import type { ResolvedOptions } from './options.js';
import type { Plan } from './plan.js';
import type { CandidateFinder } from './refine/candidates.js';
import type { Scratch } from './spill/scratch.js';
import type { ResultLayout } from './result/layout.js';
import type { Recentering } from './trust/recenter.js';

/** What a result is made of besides its pairs; made by `crossmatch` and `selfMatch`. */
export interface MatchHead {
  readonly layout: ResultLayout;
  readonly plan: Plan;
  /** Undefined when the right table is matched with itself. */
  readonly left: TableReader | undefined;
  readonly leftColumns: PositionColumns;
  readonly right: Pick<
    CatalogTable,
    'where' | 'schema' | 'columns' | 'rowCount' | 'payload' | 'positions' | 'loadSeconds'
  > &
    Partial<Pick<CatalogTable, 'index' | 'astrometry' | 'warnings'>>;
  readonly resident: boolean;
  readonly options: ResolvedOptions;
  /** Where candidates are looked for, when pairs are judged one by one; undefined when the radius decides. */
  readonly candidates: CandidateFinder | undefined;
  /** What both rows of a pair have to satisfy. */
  readonly condition: PairCondition | undefined;
  /** What the user should know about the result. */
  readonly warnings: readonly string[];
  /** By what the left positions are turned, if at all. */
  readonly recentering: Recentering | undefined;
  readonly context: MatchContext;
  readonly scratch?: Scratch;
  /** What to give back at the end. */
  readonly owned: readonly AsyncDisposable[];
  /** performance.now() at the start. */
  readonly started: number;
}

/** A match whose right table is in memory. */
export interface PreparedMatch extends MatchHead {
  readonly right: CatalogTable;
}

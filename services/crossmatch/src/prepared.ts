import type { PairCondition, TableReader } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import type { CatalogTable } from './catalog-table.js';
import type { PositionColumns } from './columns.js';
import type { MatchContext } from './match.js';
import type { ResolvedOptions } from './options.js';
import type { Plan } from './plan.js';
import type { CandidateFinder } from './refine/candidates.js';
import type { ResultLayout } from './result/layout.js';
import type { Recentering } from './trust/recenter.js';

/** A table as far as it is known before its rows are looked at. */
export interface TableHead {
  readonly where: string;
  readonly schema: Schema;
  readonly columns: PositionColumns;
  readonly rowCount: number;
  /** What its reader has to say of it. */
  readonly warnings?: readonly string[];
}

/** What a result is made of besides its pairs, wherever these come from. */
export interface MatchHead {
  readonly layout: ResultLayout;
  readonly plan: Plan;
  /** Undefined when the right table is matched with itself. */
  readonly left: TableReader | undefined;
  readonly leftColumns: PositionColumns;
  readonly right: TableHead;
  readonly options: ResolvedOptions;
  /** What the user should know about the result. */
  readonly warnings: readonly string[];
  readonly context: MatchContext;
  /** performance.now() at the start. */
  readonly started: number;
}

/** A match whose right table is in memory; made by `crossmatch` and `selfMatch`. */
export interface PreparedMatch extends MatchHead {
  readonly right: CatalogTable;
  /** The right table is there without this match, and stays. */
  readonly resident: boolean;
  /** Where candidates are looked for, when pairs are judged one by one; undefined when the radius decides. */
  readonly candidates: CandidateFinder | undefined;
  /** What both rows of a pair have to satisfy. */
  readonly condition: PairCondition | undefined;
  /** By what the left positions are turned, if at all. */
  readonly recentering: Recentering | undefined;
  /** What to give back at the end. */
  readonly owned: readonly AsyncDisposable[];
}

import type { MatchContext } from '../match.js';
import type { RejectedRow } from '../positions.js';

/** A row of one of several tables that takes no part; tables count from 0. */
export interface RejectedTableRow extends Omit<RejectedRow, 'table'> {
  readonly table: number;
}

/** What a match of several tables runs with. */
export interface TablesContext extends Pick<MatchContext, 'runtime' | 'execution' | 'signal' | 'onProgress'> {
  readonly onRejected?: (row: RejectedTableRow) => void;
}

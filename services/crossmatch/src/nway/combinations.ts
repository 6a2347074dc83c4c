import { type Positions, separationKey, separationKeyLimit } from '@armilla/sky';

/** Candidates of one row of the first table, by table from the second, ascending by row. */
export type Candidates = readonly (readonly number[])[];

/**
 * Every choice of one candidate or none of each table, of which any two lie within the radius, as rows by table; -1 for none.
 * In the order of NWAY: none comes before the candidates, later tables change first. `visit` gets the same array each
 * time.
 */
export function eachCombination(
  candidates: Candidates,
  positions: readonly Positions[],
  radiusArcsec: number,
  visit: (rows: Int32Array) => void,
): void {
  const most = separationKeyLimit(radiusArcsec);
  const rows = new Int32Array(candidates.length).fill(-1);
  const fits = (table: number, row: number): boolean => {
    const [ra, dec] = [positions[table + 1].ra[row], positions[table + 1].dec[row]];
    for (let other = 0; other < table; other++) {
      if (rows[other] < 0) continue;
      const there = positions[other + 1];
      if (!(separationKey(there.ra[rows[other]], there.dec[rows[other]], ra, dec) <= most)) return false;
    }
    return true;
  };
  const choose = (table: number): void => {
    if (table === candidates.length) {
      visit(rows);
      return;
    }
    rows[table] = -1;
    choose(table + 1);
    for (const row of candidates[table]) {
      if (!fits(table, row)) continue;
      rows[table] = row;
      choose(table + 1);
    }
    rows[table] = -1;
  };
  choose(0);
}

import { readFileSync } from 'node:fs';
import { Float64, Int32, Table, type Vector, vectorFromArray } from 'apache-arrow';

/** What NWAY says of the catalogs beside it; a row has a value for each of `columns`, of which the ids are -1 where there is none. */
export interface NwayCase {
  readonly command: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly number[])[];
  /** The histogram that NWAY measured. */
  readonly histogram?: string;
}

const folder = new URL('../../../../fixtures/crossmatch/', import.meta.url);

export const NWAY = JSON.parse(readFileSync(new URL('nway.json', folder), 'utf8')) as {
  readonly area_square_degrees: number;
  readonly cases: Readonly<Record<string, NwayCase>>;
};

/** Ids by table, null where there is none. */
type Ids = readonly (number | null)[];

/** What STILTS `tmatchn` says of `x`, `opt` and `ir`. */
export const STILTS = JSON.parse(readFileSync(new URL('tmatchn.json', folder), 'utf8')) as {
  readonly radius_arcsec: number;
  readonly pairs: readonly Ids[];
  readonly groups: readonly Ids[];
};

/** One of the catalogs that NWAY was given: `x`, `opt`, `ir`, or the same with `_pole`. */
export function nwayTable(name: string): Table {
  const [header, ...lines] = readFileSync(new URL(`nway_${name}.csv`, folder), 'utf8')
    .trim()
    .split('\n');
  const cells = lines.map((line) => line.split(','));
  const columns: Record<string, Vector> = {};
  for (const [c, column] of header.split(',').entries()) {
    const values = cells.map((row) => (row[c] === '' ? null : Number(row[c])));
    columns[column] = column === 'id' ? vectorFromArray(values, new Int32()) : vectorFromArray(values, new Float64());
  }
  return new Table(columns);
}

/** The histogram file of the cases with magnitudes. */
export const NWAY_HISTOGRAM = readFileSync(new URL('nway_mag.txt', folder), 'utf8');

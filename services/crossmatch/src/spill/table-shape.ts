import { type AstrometryField, astrometryFields } from '../astrometry/astrometry-values.js';
import type { Schema } from 'apache-arrow';
import type { ResolvedOptions } from '../options.js';
import { comparesEpochs } from '../refine/epochs.js';
import { rowBytes } from '../result/batches.js';
import type { ResultLayout } from '../result/layout.js';
import { subSchema } from '../result/payload.js';
import type { Judging } from './bucket-judge.js';

/** What goes along with the positions of a table. */
export interface TableShape {
  readonly astrometry: readonly AstrometryField[];
  /** Columns of the table, in any order. */
  readonly names: readonly string[];
}

/** What the join of buckets needs of a table: right rows take the columns of the result along, left ones are read again when they are in order. */
export function shapeOf({ layout, judging, options }: ShapedMatch, side: 'left' | 'right'): TableShape {
  const own = side === 'right' ? layout.rightNames : [];
  if (!judging) return { astrometry: [], names: own };
  const { leftColumns, rightColumns, condition, magnitudes } = judging;
  const moves = comparesEpochs(leftColumns, rightColumns);
  // The rows of a table that is matched with itself are both sides.
  const sides = options.selfMatch === undefined ? [side] : (['left', 'right'] as const);
  const conditions = sides.flatMap((one) => condition?.[`${one}Columns`] ?? []);
  return {
    astrometry: astrometryFields(side === 'right' ? rightColumns : leftColumns, moves),
    names: [...new Set([...own, ...conditions, ...(side === 'right' ? magnitudes : [])])],
  };
}

interface ShapedMatch {
  readonly layout: ResultLayout;
  readonly judging: Judging | undefined;
  readonly options: Pick<ResolvedOptions, 'selfMatch'>;
}

/** Bytes that go along with the position of each row. */
export function alongBytesOf(schema: Schema, { astrometry, names }: TableShape): number {
  return Float64Array.BYTES_PER_ELEMENT * astrometry.length + rowBytes(subSchema(schema, names));
}

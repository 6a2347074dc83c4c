import { type Area, markOutside, type Positions } from '@armilla/sky';
import { Condition, type RowCondition } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { FilteredSide } from '../options.js';

/** What leaves rows of one table out before they are matched: a condition on its columns, and an area of the sky. */
export class RowFilter {
  private constructor(
    private readonly condition: RowCondition | undefined,
    private readonly area: Area | undefined,
  ) {}

  /** The filter that `options` ask for; undefined where they ask for none. Throws the problems of conditions. */
  static of(
    schema: Schema,
    { where: text, area }: FilteredSide,
    where: string,
    side: 'left' | 'right' | undefined,
  ): RowFilter | undefined {
    if (text === undefined && area === undefined) return undefined;
    const condition =
      text === undefined ? undefined : new Condition(text, side === undefined ? 'where' : `${side}_where`);
    return new RowFilter(condition?.forRows(schema, where), area);
  }

  /** The columns that it looks at, besides the position. */
  get columns(): readonly string[] {
    return this.condition?.columns ?? [];
  }

  /** [rows] 1 where a row is left out; undefined where none is. A row without a position lies in no area. */
  marks(batch: RecordBatch, positions: Positions): Uint8Array | undefined {
    const marks = new Uint8Array(batch.numRows);
    const count =
      (this.condition?.markOthers(batch, marks) ?? 0) + (this.area ? markOutside(this.area, positions, marks) : 0);
    return count > 0 ? marks : undefined;
  }
}

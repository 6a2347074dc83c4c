import { type Area, markOutside, type Positions } from '@armilla/sky';
import { Condition, type RowCondition } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { CONDITION_SLICE_COUNT, inSlices } from '../ahead.js';
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
  async marks(
    batch: RecordBatch,
    positions: Positions,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array | undefined> {
    const { condition, area } = this;
    const marks = new Uint8Array(batch.numRows);
    const holds = condition?.over(batch);
    let count = 0;
    const work = (from: number, to: number): void => {
      if (holds) {
        for (let row = from; row < to; row++) {
          if (holds(row)) continue;
          marks[row] = 1;
          count++;
        }
      }
      if (area) count += markOutside(area, positions, marks, from, to);
    };
    await inSlices(batch.numRows, signal, work, CONDITION_SLICE_COUNT);
    return count > 0 ? marks : undefined;
  }
}

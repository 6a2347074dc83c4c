import { type Area, markOutside, parseArea, parseMoc, type Positions } from '@armilla/sky';
import { Condition, type RowCondition } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { CONDITION_SLICE_COUNT, inSlices } from '../ahead.js';
import type { FilteredSide } from '../options.js';

/** A filter as threads are told of it, which make it again. */
export interface FilterText {
  readonly where: string | undefined;
  readonly area: string | undefined;
}

/** The area that a thread has made last: it may have millions of cells. */
let lastArea: { readonly text: string; readonly area: Area } | undefined;

/** What leaves rows of one table out before they are matched: a condition on its columns, and an area of the sky. */
export class RowFilter {
  private constructor(
    private readonly condition: RowCondition | undefined,
    private readonly area: Area | undefined,
    readonly text: FilterText,
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
    return new RowFilter(condition?.forRows(schema, where), area, { where: text, area: area?.text });
  }

  /** The filter again, in another thread; `schema` has at least the columns that it looks at. */
  static again(schema: Schema, { where, area }: FilterText, table: string): RowFilter | undefined {
    if (area !== undefined && lastArea?.text !== area) lastArea = { text: area, area: areaAgain(area) };
    return RowFilter.of(schema, { where, area: area === undefined ? undefined : lastArea?.area }, table, undefined);
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

/** What was an area once is one again, however long its text is. */
function areaAgain(text: string): Area {
  const moc = /^moc\(([^]*)\)$/.exec(text);
  return moc ? parseMoc(Buffer.from(moc[1], 'latin1'), 'area') : parseArea(text);
}

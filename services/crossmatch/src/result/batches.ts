import type { Positions } from '@armilla/sky';
import { type Data, type DataType, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import type { Selection } from '../join.js';
import { computedData, type ComputedSources } from './computed.js';
import type { ResultLayout } from './layout.js';
import { Payload, type TakeContext } from './payload.js';

/** Bytes that a result batch aims at; its row count depends on the schema alone, so that every run cuts alike. */
const BATCH_BYTES = 2 ** 22;
const MOST_BATCH_ROWS = 2 ** 16;
const LEAST_BATCH_ROWS = 2 ** 13;
const VARIABLE_WIDTH_BYTES = 24;

/** Rows of a full result batch. */
export function batchRowCount(schema: Schema): number {
  const rows = 2 ** Math.floor(Math.log2(BATCH_BYTES / Math.max(rowBytes(schema), 1)));
  return Math.max(LEAST_BATCH_ROWS, Math.min(MOST_BATCH_ROWS, rows));
}

/** Bytes of a row of these columns, as far as their types say. */
export function rowBytes({ fields }: Pick<Schema, 'fields'>): number {
  return fields.reduce((sum, { type }) => sum + widthBytes(type), 0);
}

function widthBytes(type: DataType): number {
  const { bitWidth, byteWidth } = type as { bitWidth?: number; byteWidth?: number };
  if (bitWidth !== undefined) return bitWidth / 8;
  if (byteWidth !== undefined) return byteWidth;
  const { ArrayType } = type as { ArrayType?: { BYTES_PER_ELEMENT?: number } };
  return type.children?.length || typeIsVariable(type) ? VARIABLE_WIDTH_BYTES : (ArrayType?.BYTES_PER_ELEMENT ?? VARIABLE_WIDTH_BYTES);
}

function typeIsVariable(type: DataType): boolean {
  return /utf8|binary/i.test(String(type));
}

/** Gathers the columns of selections into result batches. */
export class BatchMaker {
  readonly #sources: ComputedSources;

  constructor(
    private readonly layout: ResultLayout,
    private readonly right: Payload | undefined,
    private readonly context: TakeContext,
    sources: { rightPositions?: Positions; groups?: ComputedSources['groups'] },
  ) {
    this.#sources = { rightPositions: sources.rightPositions, groups: sources.groups };
  }

  /** One batch of all rows of `selections`, in order. */
  async make(selections: readonly Selection[]): Promise<RecordBatch> {
    if (selections.length === 1) return this.#gather(selections[0]);
    const whole = Payload.create(this.layout.schema);
    let rowCount = 0;
    for (const selection of selections) {
      whole.append(await this.#gather(selection));
      rowCount += selection.count;
    }
    whole.seal();
    const rows = new Int32Array(rowCount);
    for (let row = 0; row < rowCount; row++) rows[row] = row;
    return batchOf(this.layout.schema, rowCount, await whole.take(rows, rowCount, this.layout.schema.fields.map(({ name }) => name), this.context));
  }

  async #gather(selection: Selection): Promise<RecordBatch> {
    const { layout, context, right } = this;
    const [leftData, rightData] = await Promise.all([
      selection.part ? selection.part.payload.take(selection.left, selection.count, layout.leftNames, context) : undefined,
      right ? right.take(selection.right, selection.count, layout.rightNames, context) : undefined,
    ]);
    const children = layout.columns.map((column, i) => {
      if (column.from === 'computed') return computedData(column.name, selection, this.#sources);
      const data = column.from === 'left' ? leftData?.[layout.leftNames.indexOf(column.name)] : rightData?.[layout.rightNames.indexOf(column.name)];
      return data ?? Payload.nulls(layout.schema.fields[i].type, selection.count);
    });
    return batchOf(layout.schema, selection.count, children);
  }
}

/** A batch without rows, so that an empty result has its schema. */
export function emptyBatch(schema: Schema): RecordBatch {
  return batchOf(schema, 0, schema.fields.map(({ type }) => Payload.nulls(type, 0)));
}

function batchOf(schema: Schema, length: number, children: Data[]): RecordBatch {
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

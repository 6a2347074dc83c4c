import { concatData } from '@armilla/tables';
import { type Data, type DataType, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { type Selection, sliceSelection } from '../join.js';
import { computedData, type ComputedSources } from './computed.js';
import type { ResultLayout } from './layout.js';
import { Payload, subSchema, type TakeContext } from './payload.js';

/** Bytes that a result batch aims at; its row count depends on the schema alone, so that every run cuts alike. */
const BATCH_BYTES = 2 ** 22;
const MOST_BATCH_ROWS = 2 ** 16;
const LEAST_BATCH_ROWS = 2 ** 13;
const VARIABLE_WIDTH_BYTES = 24;
/** Text and lists of a batch: a few large values, each matched many times, must not make one of gigabytes. */
const MOST_VARIABLE_BYTES = 2 ** 26;

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
  return type.children?.length || typeIsVariable(type)
    ? VARIABLE_WIDTH_BYTES
    : (ArrayType?.BYTES_PER_ELEMENT ?? VARIABLE_WIDTH_BYTES);
}

function typeIsVariable(type: DataType): boolean {
  return /utf8|binary/i.test(String(type));
}

/** Gathers the columns of selections into result batches. */
export class BatchMaker {
  readonly #noLeft: Payload;

  constructor(
    private readonly layout: ResultLayout,
    leftSchema: Schema,
    /** Of selections that bring no right rows of their own. */
    private readonly right: Payload,
    private readonly sources: ComputedSources,
    private readonly context: TakeContext,
  ) {
    this.#noLeft = Payload.empty(subSchema(leftSchema, layout.leftNames));
  }

  /**
   * The batches of all rows of `selections`, in order: one, or as many as keep its text within bounds, which are made as
   * they are taken. Where they are cut depends on the rows and their values alone.
   */
  async make(selections: readonly Selection[]): Promise<Iterable<RecordBatch> | AsyncIterable<RecordBatch>> {
    return this.#isLarge(selections) ? this.#halves(selections) : [await this.#batch(selections)];
  }

  async *#halves(selections: readonly Selection[]): AsyncGenerator<RecordBatch, void, undefined> {
    const middle = selections.reduce((sum, { count }) => sum + count, 0) >> 1;
    const halves: [Selection[], Selection[]] = [[], []];
    let seen = 0;
    for (const selection of selections) {
      const cut = Math.max(0, Math.min(selection.count, middle - seen));
      if (cut > 0) halves[0].push(sliceSelection(selection, 0, cut));
      if (cut < selection.count) halves[1].push(sliceSelection(selection, cut, selection.count));
      seen += selection.count;
    }
    for (const half of halves) yield* await this.make(half);
  }

  #isLarge(selections: readonly Selection[]): boolean {
    const { leftNames, rightNames } = this.layout;
    let count = 0;
    let bytes = 0;
    for (const { count: rows, part, left, right, rightRows } of selections) {
      count += rows;
      if (part && left) bytes += part.payload.variableBytes(left, leftNames);
      if (right) bytes += (rightRows?.payload ?? this.right).variableBytes(right, rightNames);
    }
    return count > 1 && bytes > MOST_VARIABLE_BYTES;
  }

  /** One batch of all rows of `selections`, in order. */
  async #batch(selections: readonly Selection[]): Promise<RecordBatch> {
    const pieces: Data<DataType>[][] = [];
    for (const selection of selections) pieces.push(await this.#gather(selection));
    const count = selections.reduce((sum, selection) => sum + selection.count, 0);
    const columns =
      pieces.length === 1
        ? pieces[0]
        : this.layout.columns.map((_, i) => concatData(pieces.map((piece) => piece[i])) as Data);
    const { schema } = this.layout;
    return new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children: columns }),
    );
  }

  async #gather(selection: Selection): Promise<Data<DataType>[]> {
    const { layout, context } = this;
    const [leftData, rightData] = await Promise.all([
      (selection.part?.payload ?? this.#noLeft).take(
        selection.part && selection.left,
        selection.count,
        layout.leftNames,
        context,
      ),
      (selection.rightRows?.payload ?? this.right).take(selection.right, selection.count, layout.rightNames, context),
    ]);
    return layout.columns.map((column) => {
      if (column.from === 'computed') return computedData(column.name, selection, this.sources);
      return column.from === 'left'
        ? leftData[layout.leftNames.indexOf(column.name)]
        : rightData[layout.rightNames.indexOf(column.name)];
    });
  }
}

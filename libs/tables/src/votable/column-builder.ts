import { type Data, DataType, type FixedSizeList, makeData } from 'apache-arrow';
import type { VotableColumn } from './field.js';

type Value = number | bigint | boolean | string;

const encoder = new TextEncoder();

/** The values of a column, as they come. */
export class ColumnBuilder {
  readonly #bigint: boolean;
  readonly #text: boolean;
  #items: (Value | null)[] = [];

  constructor(private readonly column: VotableColumn) {
    this.#bigint = column.datatype === 'long';
    this.#text = DataType.isUtf8(column.type);
  }

  /** A value, or each element of one in turn. */
  push(value: Value | null): void {
    this.#items.push(value);
  }

  pushNulls(count: number): void {
    for (let i = 0; i < count; i++) this.#items.push(null);
  }

  /** The column of what was pushed; the builder is empty then. */
  take(rowCount: number): Data {
    const { field, type, repeat = 1 } = this.column;
    const items = this.#items;
    this.#items = [];
    const length = this.#text ? rowCount : rowCount * repeat;
    const validity = new Uint8Array((length + 7) >> 3);
    let nullCount = 0;
    for (let i = 0; i < length; i++) {
      if (items[i] === null) nullCount++;
      else validity[i >> 3] |= 1 << (i & 7);
    }
    const head = { type, length, nullCount, nullBitmap: nullCount > 0 ? validity : undefined };
    if (this.#text) return makeData({ ...head, ...textBuffers(items as (string | null)[]) } as never);
    const values = DataType.isBool(type) ? bits(items) : this.#numbers(items);
    const data: Data = makeData({ ...head, data: values } as never);
    return DataType.isFixedSizeList(field.type)
      ? makeData({ type: field.type as FixedSizeList, length: rowCount, nullCount: 0, child: data })
      : data;
  }

  #numbers(items: readonly (Value | null)[]): ArrayLike<number> | BigInt64Array {
    if (this.#bigint) return BigInt64Array.from(items as (bigint | null)[], (item) => item ?? 0n);
    return (this.column.type.ArrayType as Float64ArrayConstructor).from(
      items as (number | null)[],
      (item) => item ?? 0,
    );
  }
}

function bits(items: readonly (Value | null)[]): Uint8Array {
  const out = new Uint8Array((items.length + 7) >> 3);
  items.forEach((item, i) => {
    if (item === true) out[i >> 3] |= 1 << (i & 7);
  });
  return out;
}

function textBuffers(items: readonly (string | null)[]): { valueOffsets: Int32Array; data: Uint8Array } {
  const valueOffsets = new Int32Array(items.length + 1);
  const data = encoder.encode(items.join(''));
  let to = 0;
  items.forEach((item, i) => {
    to += item === null ? 0 : Buffer.byteLength(item);
    valueOffsets[i + 1] = to;
  });
  return { valueOffsets, data };
}

import { fail } from '@armilla/base';
import { Data, type DataType, Dictionary, Int32, Type, type Union, UnionMode } from 'apache-arrow';
import { copyBits, setBits } from './bits.js';
import { GrowingBytes } from './growingBytes.js';
import { GrowingDictionary } from './growingDictionary.js';
import { SegmentedBytes } from './segmentedBytes.js';
import { takeUnion } from './take.js';
import { withChildren, withType } from './nestedType.js';

type Column = Data<DataType>;

const TEXT_LIMIT = 2 ** 32;

/** One column, or a child of one, that batches are appended to and that ends as one contiguous piece. */
export class GrowingColumn {
  /** The type of the finished column: dictionary indices are 32-bit, else the type of what is appended. */
  readonly type: DataType;
  #length = 0;
  #nullCount = 0;
  /** Bitmap, kept from the first null on; bits behind the end are zero. */
  #validity: GrowingBytes | undefined;
  readonly #values: SegmentedBytes;
  /** Bits of a column of bools. */
  readonly #bits: GrowingBytes;
  readonly #offsets: SegmentedBytes;
  readonly #children: GrowingColumn[];
  readonly #dictionary: GrowingDictionary | undefined;

  constructor(
    type: DataType,
    readonly shared: boolean,
    rowCountHint = 0,
  ) {
    const fields = type instanceof Dictionary ? [] : (type.children ?? []);
    this.#children = fields.map(
      (field) => new GrowingColumn(field.type, shared, type.typeId === Type.Struct ? rowCountHint : 0),
    );
    if (type instanceof Dictionary) {
      this.#dictionary = new GrowingDictionary(type, shared);
      this.type = this.#dictionary.type;
    } else {
      this.type =
        fields.length === 0
          ? type
          : withChildren(
              type,
              fields.map((field, i) => withType(field, this.#children[i].type)),
            );
    }
    const hasOffsets = [Type.Utf8, Type.Binary, Type.List, Type.Map].includes(type.typeId);
    this.#offsets = new SegmentedBytes(shared, hasOffsets ? 4 * (rowCountHint + 1) : 0);
    if (hasOffsets) this.#offsets.append(new Uint8Array(4));
    const isBool = type.typeId === Type.Bool;
    this.#bits = new GrowingBytes(shared, isBool ? Math.ceil(rowCountHint / 8) : 0);
    this.#values = new SegmentedBytes(shared, hasOffsets || isBool ? 0 : rowCountHint * valueBytes(this.type));
  }

  get length(): number {
    return this.#length;
  }

  /** Bytes in use. */
  get bytes(): number {
    const own =
      this.#values.length +
      this.#bits.length +
      this.#offsets.length +
      (this.#validity?.length ?? 0) +
      (this.#dictionary?.bytes ?? 0);
    return this.#children.reduce((sum, child) => sum + child.bytes, own);
  }

  append(data: Column): void {
    const { typeId } = this.type;
    if (data.typeId !== typeId)
      throw new TypeError(`a column of ${data.type} cannot be appended to one of ${this.type}`);
    switch (typeId) {
      case Type.Null:
        break;
      case Type.Union:
        this.#appendUnion(data as Data<Union>);
        break;
      default:
        this.#appendValidity(data);
        this.#appendValues(data);
    }
    this.#length += data.length;
  }

  /** The column so far, not copied. */
  data(): Column {
    const { type } = this;
    const none = undefined as never;
    const length = this.#length;
    if (type.typeId === Type.Null) return new Data(type, 0, length, length);
    const children = this.#children.map((child) => child.data());
    const offsets = words(this.#offsets.view(), Int32Array);
    const values = type.typeId === Type.Bool ? this.#bits.view() : this.#values.view();
    if (type.typeId === Type.Union) {
      const dense = (type as Union).mode === UnionMode.Dense;
      return new Data(
        type,
        0,
        length,
        0,
        [dense ? offsets : none, none, none, words(values, Int8Array)] as never,
        children,
      );
    }
    const nulls = this.#validity?.view() ?? new Uint8Array(0);
    const hasOffsets = offsets.length > 0;
    const hasValues = children.length === 0;
    const typed = hasOffsets ? values : words(values, this.#dictionary ? Int32Array : type.ArrayType);
    return new Data(
      type,
      0,
      length,
      this.#nullCount,
      [hasOffsets ? offsets : none, hasValues ? typed : none, nulls] as never,
      children,
      this.#dictionary?.vector(),
    );
  }

  #appendValidity(data: Column): void {
    const { nullCount, length } = data;
    if (nullCount === 0 && !this.#validity) return;
    const before = this.#length;
    this.#validity ??= new GrowingBytes(this.shared);
    const validity = this.#validity;
    const known = validity.length;
    const bitmap = validity.extend(((before + length + 7) >>> 3) - known);
    if (known === 0) setBits(bitmap, 0, before);
    if (nullCount > 0) copyBits(bitmap, before, data.nullBitmap, data.offset, length);
    else setBits(bitmap, before, length);
    this.#nullCount += nullCount;
  }

  #appendValues(data: Column): void {
    const { length, children } = data;
    switch (this.type.typeId) {
      case Type.Bool: {
        const bits = this.#bits.extend(((this.#length + length + 7) >>> 3) - this.#bits.length);
        copyBits(bits, this.#length, data.values, data.offset, length);
        break;
      }
      case Type.Utf8:
      case Type.Binary: {
        const { start, end } = this.#appendOffsets(data, this.#values.length);
        this.#values.append((data.values as Uint8Array).subarray(start, end));
        break;
      }
      case Type.List:
      case Type.Map: {
        const { start, end } = this.#appendOffsets(data, this.#children[0].length);
        this.#children[0].append(children[0].slice(start, end - start));
        break;
      }
      case Type.FixedSizeList:
        this.#children[0].append(children[0].slice(0, length * data.stride));
        break;
      case Type.Struct:
        this.#children.forEach((child, i) => child.append(children[i]));
        break;
      case Type.Dictionary: {
        const indices = new Int32Array(length);
        this.#dictionary?.mapIndices(data as Data<Dictionary>, indices);
        this.#values.append(new Uint8Array(indices.buffer));
        break;
      }
      default: {
        const { values } = data as Data<Int32>;
        const width = values.BYTES_PER_ELEMENT * data.stride;
        this.#values.append(new Uint8Array(values.buffer, values.byteOffset, length * width));
      }
    }
  }

  /** Appends the ends of the rows, counted from `base`; returns where the values of `data` start and end. */
  #appendOffsets(data: Column, base: number): { start: number; end: number } {
    const { length } = data;
    const source = data.valueOffsets as Int32Array;
    const from = new Uint32Array(source.buffer, source.byteOffset, source.length);
    const start = length === 0 ? 0 : from[0];
    const end = length === 0 ? 0 : from[length];
    const total = base + end - start;
    if (total >= TEXT_LIMIT)
      throw fail('ARROW_LIMIT', { where: 'table', detail: `${total} bytes of text in one column, over 4 GiB` });
    const to = new Uint32Array(length);
    const shift = base - start;
    for (let i = 0; i < length; i++) to[i] = from[i + 1] + shift;
    this.#offsets.append(new Uint8Array(to.buffer));
    return { start, end };
  }

  #appendUnion(data: Data<Union>): void {
    const dense = data.type.mode === UnionMode.Dense;
    // A slice of a dense union refers to all of its children: taking the rows leaves the values that are used.
    const compact = dense
      ? (takeUnion(
          data,
          Int32Array.from({ length: data.length }, (_, i) => i),
        ) as Data<Union>)
      : data;
    this.#values.append(new Uint8Array(compact.typeIds.buffer, compact.typeIds.byteOffset, data.length));
    if (dense) {
      const to = new Int32Array(data.length);
      const bases = new Int32Array(128);
      data.type.typeIds.forEach((id, i) => (bases[id] = this.#children[i].length));
      for (let i = 0; i < data.length; i++) to[i] = (compact.valueOffsets as Int32Array)[i] + bases[compact.typeIds[i]];
      this.#offsets.append(new Uint8Array(to.buffer));
    }
    this.#children.forEach((child, i) => child.append(compact.children[i]));
  }
}

/** One piece of several columns of the same type, in ordinary memory. */
export function concatData(pieces: readonly Column[]): Column {
  const column = new GrowingColumn(pieces[0].type, false);
  for (const piece of pieces) column.append(piece);
  return column.data();
}

function valueBytes(type: DataType): number {
  switch (type.typeId) {
    case Type.Null:
    case Type.List:
    case Type.Map:
    case Type.Struct:
    case Type.FixedSizeList:
    case Type.Bool:
      return 0;
    case Type.Union:
      return 1;
    case Type.Dictionary:
      return 4;
    default: {
      const stride = new Data(type, 0, 0, 0).stride;
      return (type.ArrayType as typeof Int32Array).BYTES_PER_ELEMENT * stride;
    }
  }
}

function words<T>(
  bytes: Uint8Array,
  kind: { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, byteOffset: number, length: number): T },
): T {
  return new kind(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / kind.BYTES_PER_ELEMENT));
}

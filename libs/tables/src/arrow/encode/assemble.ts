import { fail } from '@armilla/base';
import { type Data, type DataType, Type, type Union, UnionMode } from 'apache-arrow';
import { BufferRegion, FieldNode } from 'apache-arrow/ipc/metadata/message';
import { zeros } from '../message.js';
import { bitsFrom } from '../store/bits.js';

type Column = Data<DataType>;
type View = Exclude<ArrayBufferView, DataView>;

/**
 * Nodes and buffers of columns in the order of the format. Buffers are views where rows start at the start of theirs; the
 * bytes depend on the values alone, not on what stands beside them in memory.
 */
export class Assembly {
  readonly nodes: FieldNode[] = [];
  readonly regions: BufferRegion[] = [];
  readonly body: Uint8Array[] = [];
  #byteLength = 0;

  constructor(columns: readonly Column[]) {
    for (const column of columns) this.#visit(column);
  }

  /** Length of the body with its padding. */
  get byteLength(): number {
    return this.#byteLength;
  }

  #visit(data: Column): void {
    const { type, length } = data;
    if (type.typeId === Type.Union) {
      this.#union(data as Data<Union>);
      return;
    }
    // A slice of a column of nulls does not know how many there are.
    const nullCount = type.typeId === Type.Null ? length : data.nullCount;
    this.nodes.push(new FieldNode(length, nullCount));
    if (type.typeId === Type.Null) return;
    this.#add(nullCount > 0 ? bitsFrom(data.nullBitmap, data.offset, length) : zeros(0));
    switch (type.typeId) {
      case Type.Bool:
        this.#add(bitsFrom(data.values, data.offset, length));
        break;
      case Type.Utf8:
      case Type.Binary:
      case Type.LargeUtf8:
      case Type.LargeBinary: {
        const { start, end } = this.#offsets(data);
        this.#add((data.values as Uint8Array).subarray(start, end));
        break;
      }
      case Type.List:
      case Type.LargeList:
      case Type.Map: {
        const { start, end } = this.#offsets(data);
        this.#visit(part(data.children[0], start, end));
        break;
      }
      case Type.FixedSizeList:
        this.#visit(part(data.children[0], 0, length * data.stride));
        break;
      case Type.Struct:
        for (const child of data.children) this.#visit(part(child, 0, length));
        break;
      case Type.Utf8View:
      case Type.BinaryView:
        throw fail('ARROW_TYPE_UNSUPPORTED', { where: 'Arrow output', column: '?', type: String(type) });
      default:
        this.#add(
          (data.values as Uint8Array).subarray(0, length * (type.typeId === Type.Dictionary ? 1 : data.stride)),
        );
    }
  }

  #union(data: Data<Union>): void {
    const { length, type } = data;
    this.nodes.push(new FieldNode(length, 0));
    this.#add(data.typeIds.subarray(0, length));
    const dense = type.mode === UnionMode.Dense;
    if (dense) this.#add((data.valueOffsets as Int32Array).subarray(0, length));
    for (const child of data.children) this.#visit(dense ? child : part(child, 0, length));
  }

  /** Adds the offsets, counted from the first; returns where the values start and end. */
  #offsets(data: Column): { start: number; end: number } {
    const { length } = data;
    const offsets = data.valueOffsets as Int32Array | BigInt64Array;
    if (offsets instanceof BigInt64Array) {
      const start = length === 0 ? 0n : offsets[0];
      this.#add(
        start === 0n && offsets.length > length
          ? offsets.subarray(0, length + 1)
          : BigInt64Array.from({ length: length + 1 }, (_, i) => (offsets[i] ?? 0n) - start),
      );
      return { start: Number(start), end: length === 0 ? 0 : Number(offsets[length]) };
    }
    if (length === 0) {
      this.#add(new Int32Array(1));
      return { start: 0, end: 0 };
    }
    // Unsigned, since a store may hold up to 4 GiB of text in one column.
    const words = new Uint32Array(offsets.buffer, offsets.byteOffset, length + 1);
    const start = words[0];
    const end = words[length];
    if (end - start > 0x7fffffff)
      throw fail('ARROW_LIMIT', {
        where: 'Arrow output',
        detail: `${end - start} bytes of text in one batch, over 2 GiB; use smaller batches`,
      });
    this.#add(start === 0 ? words : words.map((offset) => offset - start));
    return { start, end };
  }

  #add(view: View): void {
    const { byteLength } = view;
    this.regions.push(new BufferRegion(this.#byteLength, byteLength));
    if (byteLength === 0) return;
    const padding = (8 - (byteLength % 8)) % 8;
    this.body.push(new Uint8Array(view.buffer, view.byteOffset, byteLength));
    if (padding > 0) this.body.push(zeros(padding));
    this.#byteLength += byteLength + padding;
  }
}

function part(data: Column, start: number, end: number): Column {
  return start === 0 && end === data.length ? data : data.slice(start, end - start);
}

import type { Data as ArrowData, DataType, Dictionary, TypeMap } from 'apache-arrow';
import { Data, Vector } from 'apache-arrow';
import { emptyData } from '../store/emptyData.js';
import { takeData } from '../store/take.js';
import type { Layout, WireField } from '../wire/layout.js';
import { type Body, EMPTY } from './body.js';
import type { Dictionaries } from './dictionaries.js';
import { checkEnd, int32View, readOffsets, readValidity, readValues } from './offsets.js';
import { type Reachable, reachableByOffsets, reachableInPlace } from './reachable.js';
import { checkIndices, checkUnion, runRows, widenDecimals } from './values.js';
import { checkText } from './utf8.js';
import { gatherViews } from './views.js';

type Column = ArrowData<DataType>;
type LayoutOf<K extends Layout['kind']> = Extract<Layout, { kind: K }>;

/** Makes the columns of one message, depth first as the schema lists them; everything is checked before it is made. */
export class ColumnDecoder {
  constructor(
    readonly body: Body,
    readonly dictionaries: Dictionaries,
  ) {}

  /** The column of the top level, which must have `rowCount` rows. */
  column(field: WireField, rowCount: number): Column {
    const data = this.#read(field);
    if (data.length !== rowCount)
      throw this.body.bad(`column '${field.path}' has ${data.length} rows, the batch ${rowCount}`);
    return data;
  }

  /** Passes over a column that nobody asked for. */
  skip(field: WireField): void {
    const { body } = this;
    const { path, layout } = field;
    body.takeNode(path);
    switch (layout.kind) {
      case 'null':
      case 'runEnd':
        break;
      case 'struct':
      case 'fixedSizeList':
        body.skip(1, path);
        break;
      case 'bool':
      case 'fixed':
      case 'dictionary':
      case 'list':
        body.skip(2, path);
        break;
      case 'bytes':
      case 'listView':
        body.skip(3, path);
        break;
      case 'view':
        body.skip(2 + body.takeVariadicCount(path), path);
        break;
      case 'union':
        body.skip((body.header.unionsHaveValidity ? 1 : 0) + (layout.dense ? 2 : 1), path);
        break;
    }
    for (const child of field.children) this.skip(child);
  }

  #read(field: WireField, reachable?: Reachable): Column {
    const { body } = this;
    const { layout, path, type } = field;
    const { length, nullCount } = body.takeNode(path);
    switch (layout.kind) {
      case 'null':
        return new Data(type, 0, length, length);
      case 'union':
        return this.#union(field, layout, length, reachable);
      case 'runEnd':
        return this.#runEnd(field, length);
      default: {
        const validity = readValidity(body, body.take(path), length, nullCount, path);
        return this.#withValidity(field, layout, length, nullCount, validity, reachable);
      }
    }
  }

  #withValidity(
    field: WireField,
    layout: Exclude<Layout, LayoutOf<'null' | 'union' | 'runEnd'>>,
    length: number,
    nullCount: number,
    validity: Uint8Array | undefined,
    reachable: Reachable,
  ): Column {
    const { body } = this;
    const { path, type, children } = field;
    const nulls = validity ?? EMPTY;
    switch (layout.kind) {
      case 'bool': {
        const values = readValues(body, body.take(path), (length + 7) >>> 3, 1, path);
        return new Data(type, 0, length, nullCount, [undefined as never, values, nulls]);
      }
      case 'fixed': {
        const source = readValues(body, body.take(path), length, layout.sourceByteWidth, path);
        const bytes =
          layout.sourceByteWidth === layout.byteWidth
            ? source
            : widenDecimals(body, source, layout.sourceByteWidth, path);
        return new Data(type, 0, length, nullCount, [undefined as never, typedView(type.ArrayType, bytes), nulls]);
      }
      case 'bytes': {
        const offsetBytes = body.take(path);
        const values = body.take(path);
        const offsets = readOffsets(body, offsetBytes, length, layout.large, values.byteLength, path);
        return this.#bytes(field, layout.utf8, length, nullCount, offsets, values, validity, reachable);
      }
      case 'view': {
        const views = readValues(body, body.take(path), length, 16, path);
        const count = body.takeVariadicCount(path);
        const buffers: Uint8Array[] = [];
        for (let i = 0; i < count; i++) buffers.push(body.take(path));
        const { offsets, values } = gatherViews(body, views, buffers, length, validity, path);
        return this.#bytes(field, layout.utf8, length, nullCount, offsets, values, validity, reachable);
      }
      case 'list': {
        const offsets = readOffsets(body, body.take(path), length, layout.large, Infinity, path);
        const child = this.#read(children[0], reachableByOffsets(offsets, validity, reachable));
        checkEnd(body, offsets, length, child.length, path);
        return new Data(type, 0, length, nullCount, [offsets, undefined as never, nulls], [child]);
      }
      case 'listView':
        return this.#listView(field, layout, length, nullCount, validity);
      case 'fixedSizeList': {
        const child = this.#child(
          children[0],
          length * layout.listSize,
          path,
          reachableInPlace(validity, layout.listSize, reachable),
        );
        return new Data(type, 0, length, nullCount, [undefined as never, undefined as never, nulls], [child]);
      }
      case 'struct': {
        const columns = children.map((child) =>
          this.#child(child, length, path, reachableInPlace(validity, 1, reachable)),
        );
        return new Data(type, 0, length, nullCount, [undefined as never, undefined as never, nulls], columns);
      }
      case 'dictionary':
        return this.#dictionary(field, layout, length, nullCount, validity, reachable);
    }
  }

  #bytes(
    field: WireField,
    utf8: boolean,
    length: number,
    nullCount: number,
    offsets: Int32Array,
    values: Uint8Array,
    validity: Uint8Array | undefined,
    reachable: Reachable,
  ): Column {
    const nulls = utf8
      ? checkText(this.body, values, offsets, length, { validity, nullCount }, reachable, field.path)
      : { validity, nullCount };
    return new Data(field.type, 0, length, nulls.nullCount, [offsets, values, nulls.validity ?? EMPTY]);
  }

  #listView(
    field: WireField,
    layout: LayoutOf<'listView'>,
    length: number,
    nullCount: number,
    validity: Uint8Array | undefined,
  ): Column {
    const { body } = this;
    const { path } = field;
    const width = layout.large ? 8 : 4;
    const words = (bytes: Uint8Array): Float64Array | Int32Array => {
      const plain = readValues(body, bytes, length, width, path);
      if (!layout.large) return int32View(plain, length);
      const view = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
      body.spend(8 * length, `column '${path}'`);
      return Float64Array.from({ length }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    };
    const starts = words(body.take(path));
    const sizes = words(body.take(path));
    const child = this.#read(field.children[0]);
    const offsets = new Int32Array(length + 1);
    let total = 0;
    for (let row = 0; row < length; row++) {
      const valid = !validity || ((validity[row >>> 3] >>> (row & 7)) & 1) === 1;
      if (valid) {
        if (!(starts[row] >= 0 && sizes[row] >= 0 && starts[row] + sizes[row] <= child.length)) {
          throw body.bad(
            `column '${path}': the list of row ${row} takes ${sizes[row]} values from ${starts[row]} on, there are ${child.length}`,
          );
        }
        total += sizes[row];
        if (total > 0x7fffffff)
          throw body.bad(`column '${path}' has more than 2^31 list values in one batch; write smaller batches`);
      }
      offsets[row + 1] = total;
    }
    body.spend(4 * (total + length), `column '${path}'`);
    const rows = new Int32Array(total);
    for (let row = 0; row < length; row++) {
      let from = starts[row];
      for (let to = offsets[row]; to < offsets[row + 1]; to++) rows[to] = from++;
    }
    const values = takeData(child, rows, (bytes) => body.spend(bytes, `column '${path}'`));
    return new Data(field.type, 0, length, nullCount, [offsets, undefined as never, validity ?? EMPTY], [values]);
  }

  #union(field: WireField, layout: LayoutOf<'union'>, length: number, reachable: Reachable): Column {
    const { body } = this;
    const { path } = field;
    if (body.header.unionsHaveValidity) body.take(path);
    const ids = readValues(body, body.take(path), length, 1, path);
    const typeIds = new Int8Array(ids.buffer, ids.byteOffset, length);
    const offsets = layout.dense ? int32View(readValues(body, body.take(path), length, 4, path), length) : undefined;
    const children = field.children.map((child, i) => {
      if (layout.dense) return this.#read(child);
      const id = layout.typeIds[i];
      return this.#child(child, length, path, (row) => typeIds[row] === id && (reachable?.(row) ?? true));
    });
    checkUnion(body, typeIds, offsets, layout.typeIds, children, path);
    return new Data(
      field.type,
      0,
      length,
      0,
      [offsets as never, undefined as never, undefined as never, typeIds],
      children,
    );
  }

  #runEnd(field: WireField, length: number): Column {
    const { body } = this;
    const { path } = field;
    const ends = this.#read(field.children[0]);
    const values = this.#read(field.children[1]);
    body.spend(4 * length, `column '${path}'`);
    return takeData(values, runRows(body, ends, values.length, length, path), (bytes) =>
      body.spend(bytes, `column '${path}'`),
    );
  }

  #dictionary(
    field: WireField,
    layout: LayoutOf<'dictionary'>,
    length: number,
    nullCount: number,
    validity: Uint8Array | undefined,
    reachable: Reachable,
  ): Column {
    const { body } = this;
    const { path } = field;
    const type = field.type as Dictionary;
    const width = layout.index.bitWidth / 8;
    const bytes = readValues(body, body.take(path), length, width, path);
    const dictionary = this.dictionaries.get(layout.wireId) ?? new Vector([emptyData(type.dictionary)]);
    const raw = typedView(layout.index.ArrayType, bytes) as Int32Array | BigInt64Array;
    const checked = checkIndices(body, raw, { validity, nullCount }, dictionary.length, reachable, path);
    return new Data(
      type,
      0,
      length,
      checked.nullCount,
      [undefined as never, checked.indices as never, checked.validity ?? EMPTY],
      [],
      dictionary as Vector<DataType<never, TypeMap>>,
    );
  }

  /** A child with at least `length` values; more are cut off. */
  #child(field: WireField, length: number, parent: string, reachable: Reachable): Column {
    const data = this.#read(field, reachable);
    if (data.length < length)
      throw this.body.bad(`column '${field.path}' has ${data.length} values, '${parent}' needs ${length}`);
    return data.length === length ? data : data.slice(0, length);
  }
}

interface ViewConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): ArrayBufferView;
}

function typedView(arrayType: ViewConstructor, bytes: Uint8Array): never {
  return new arrayType(bytes.buffer, bytes.byteOffset, bytes.byteLength / arrayType.BYTES_PER_ELEMENT) as never;
}

import { fail } from '@armilla/base';
import { Dictionary, Int, Int32, Schema } from 'apache-arrow';
import type { ArrowLimits } from '../limits.js';
import type { FlatTable } from './flatTable.js';
import { layoutKey, type WireField } from './layout.js';
import { fieldOf, intType, typeOf } from './typeOf.js';

/** The schema of a stream: fields as they lie in the messages, and as they are handed on. */
export interface WireSchema {
  readonly fields: readonly WireField[];
  readonly schema: Schema;
}

const BIG_ENDIAN = 1;

/**
 * Reads a `Schema` table (Schema.fbs).
 * @throws ARROW_INVALID, ARROW_LIMIT, ARROW_TYPE_UNSUPPORTED
 */
export function readSchema(table: FlatTable, limits: ArrowLimits): WireSchema {
  const { flat } = table;
  const endianness = table.int16(0);
  if (endianness === BIG_ENDIAN) throw flat.bad('it is big-endian; write it little-endian');
  if (endianness !== 0) throw flat.bad(`endianness is ${endianness}`);
  const reader = new FieldReader(limits);
  const list = table.vector(1, 4, 'fields');
  const fields: WireField[] = [];
  for (let i = 0; i < list.length; i++) fields.push(reader.field(table.element(list, i, 'field'), '', 1));
  return { fields, schema: new Schema(fields.map(fieldOf), table.keyValues(2, 'schema metadata')) };
}

class FieldReader {
  #fieldCount = 0;
  readonly #dictionaries = new Map<bigint, WireField>();

  constructor(readonly limits: ArrowLimits) {}

  field(table: FlatTable, parent: string, depth: number): WireField {
    const { flat } = table;
    const { limits } = this;
    if (++this.#fieldCount > limits.fieldCount) {
      throw fail('ARROW_LIMIT', { where: flat.where, detail: `more than ${limits.fieldCount} fields in the schema` });
    }
    if (depth > limits.depth) {
      throw fail('ARROW_LIMIT', {
        where: flat.where,
        detail: `column '${parent}' is nested deeper than ${limits.depth} levels`,
      });
    }
    const name = table.string(0, 'field name');
    const path = parent === '' ? name : `${parent}.${name}`;
    const list = table.vector(5, 4, `children of '${path}'`);
    const children: WireField[] = [];
    for (let i = 0; i < list.length; i++) children.push(this.field(table.element(list, i, 'field'), path, depth + 1));
    const tag = table.uint8(2);
    const parameters = table.table(3, `type of '${path}'`);
    if (!parameters) throw flat.bad(`column '${path}' has no type`);
    const nullable = table.uint8(1) !== 0;
    const metadata = table.keyValues(6, `metadata of '${path}'`);
    const plain: WireField = { name, path, nullable, metadata, children, ...typeOf(tag, parameters, children, path) };
    const encoding = table.table(4, `dictionary of '${path}'`);
    return encoding ? this.#dictionary(plain, encoding) : plain;
  }

  #dictionary(values: WireField, encoding: FlatTable): WireField {
    const { flat } = encoding;
    const { path } = values;
    const wireId = encoding.bigInt64(0);
    const indexTable = encoding.table(1, `index type of '${path}'`);
    const index = indexTable ? intType(indexTable.int32(0), indexTable.uint8(1) !== 0) : new Int32();
    if (!index) throw flat.bad(`dictionary indices of '${path}' have ${indexTable?.int32(0)} bits`);
    if (encoding.int16(3) !== 0) throw flat.bad(`dictionary of '${path}' is of an unknown kind`);
    // Two columns may share one dictionary; then they must agree on what its values are.
    const known = this.#dictionaries.get(wireId);
    if (known && layoutKey(known) !== layoutKey(values))
      throw flat.bad(`dictionary ${wireId} is both ${known.type} and ${values.type}`);
    this.#dictionaries.set(wireId, values);
    const narrow: Int = index.bitWidth === 64 ? new Int32() : index;
    return {
      name: values.name,
      path,
      nullable: values.nullable,
      metadata: values.metadata,
      children: [],
      layout: { kind: 'dictionary', wireId, index, values },
      // Without an id of its own, so that tables from different streams can stand in one schema.
      type: new Dictionary(values.type, narrow as Int32, null, encoding.uint8(2) !== 0),
    };
  }
}

import { Random } from '@armilla/base';
import {
  Bool,
  type Data,
  type DataType,
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';

/** A table with the types that every format holds, nulls and awkward values in each column: `batches` of `rowCount` rows. */
export function sampleTable(
  seed: number,
  batchCount: number,
  rowCount: number,
): { schema: Schema; batches: RecordBatch[]; rows: unknown[][] } {
  const random = new Random(seed);
  const schema = new Schema([
    new Field('source_id', new Int64(), true),
    new Field('ra', new Float64(), true),
    new Field('name', new Utf8(), true),
    new Field('variable', new Bool(), true),
  ]);
  const rows: unknown[][] = [];
  const batches = Array.from({ length: batchCount }, () => {
    const part = Array.from({ length: rowCount }, () => sampleRow(random));
    rows.push(...part);
    const columns = schema.fields.map((field, column) =>
      columnOf(
        field.type as DataType,
        part.map((row) => row[column]),
      ),
    );
    return new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length: rowCount, nullCount: 0, children: columns }),
    );
  });
  return { schema, batches, rows };
}

const NAMES = [
  'Vega',
  '',
  ' padded ',
  'a,b',
  'tab\tinside',
  'say "hi"',
  'two\nlines',
  'cr\r\nlf',
  'null',
  'N/A',
  'α Lyrae',
  '# no comment',
  '007',
  "o'clock",
];

function sampleRow(random: Random): unknown[] {
  const id = BigInt.asIntN(64, (BigInt(random.uint32()) << 32n) | BigInt(random.uint32()));
  const floats = [
    random.between(0, 360),
    Number(random.between(-90, 90).toFixed(6)),
    random.below(1000),
    NaN,
    Infinity,
    -Infinity,
    -0,
    1e300,
    5e-324,
  ];
  const row: unknown[] = [
    id,
    floats[random.below(floats.length)],
    NAMES[random.below(NAMES.length)],
    random.below(2) === 1,
  ];
  return row.map((value) => (random.below(6) === 0 ? null : value));
}

function columnOf(type: DataType, values: unknown[]): Data<DataType> {
  const length = values.length;
  const nullBitmap = new Uint8Array((length + 7) >> 3);
  let nullCount = length;
  values.forEach((value, i) => {
    if (value === null) return;
    nullBitmap[i >> 3] |= 1 << (i & 7);
    nullCount--;
  });
  const shared = { length, nullCount, nullBitmap };
  if (type instanceof Int64)
    return makeData({ type, data: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n), ...shared });
  if (type instanceof Float64)
    return makeData({ type, data: Float64Array.from(values, (value) => (value as number | null) ?? 0), ...shared });
  if (type instanceof Bool) {
    const bits = new Uint8Array((length + 7) >> 3);
    values.forEach((value, i) => (bits[i >> 3] |= value === true ? 1 << (i & 7) : 0));
    return makeData({ type, data: bits, ...shared });
  }
  const texts = values.map((value) => new TextEncoder().encode((value as string | null) ?? ''));
  const valueOffsets = new Int32Array(length + 1);
  texts.forEach((text, i) => (valueOffsets[i + 1] = valueOffsets[i] + text.length));
  return makeData({ type: new Utf8(), valueOffsets, data: Buffer.concat(texts), ...shared });
}

export async function* each<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

/** The rows of batches as plain values. */
export async function rowsOf(batches: AsyncIterable<RecordBatch>): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for await (const batch of batches) {
    const columns = batch.schema.fields.map((_, column) => batch.getChildAt(column));
    for (let i = 0; i < batch.numRows; i++) rows.push(columns.map((column) => column?.get(i) as unknown));
  }
  return rows;
}

export async function bytesOf(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  // Copied: a part may be taken back by its maker.
  for await (const part of parts) all.push(part.slice());
  return Buffer.concat(all);
}

/** A stream that gives `bytes` in pieces of at most `size`. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

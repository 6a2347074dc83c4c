import { isProblem, Random } from '@armilla/base';
import {
  Binary,
  Bool,
  type Data,
  type DataType,
  DateDay,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { encodeParquet, MemorySource, openParquet, ParquetWriter, type ParquetWriterOptions } from '../index.js';

/** One random value of each kind of column, null now and then. */
const KINDS: Readonly<Record<string, { type: DataType; draw: (random: Random) => unknown }>> = {
  i8: { type: new Int8(), draw: (random) => random.below(256) - 128 },
  u8: { type: new Uint8(), draw: (random) => random.below(256) },
  i16: { type: new Int16(), draw: (random) => random.below(65_536) - 32_768 },
  u16: { type: new Uint16(), draw: (random) => random.below(65_536) },
  i32: { type: new Int32(), draw: (random) => random.uint32() | 0 },
  u32: { type: new Uint32(), draw: (random) => random.uint32() },
  i64: { type: new Int64(), draw: (random) => (BigInt(random.uint32() | 0) << 32n) | BigInt(random.uint32()) },
  u64: { type: new Uint64(), draw: (random) => (BigInt(random.uint32()) << 32n) | BigInt(random.uint32()) },
  f16: { type: new Float16(), draw: (random) => random.below(1000) / 8 },
  f32: { type: new Float32(), draw: (random) => Math.fround(random.normal()) },
  f64: { type: new Float64(), draw: (random) => (random.below(50) === 0 ? NaN : random.normal()) },
  text: { type: new Utf8(), draw: (random) => 'näme '.repeat(random.below(4)) + String(random.below(1000)) },
  bytes: {
    type: new Binary(),
    draw: (random) => Uint8Array.from({ length: random.below(70) }, () => random.below(256)),
  },
  three: { type: new FixedSizeBinary(3), draw: (random) => Uint8Array.of(random.below(256), 0, random.below(256)) },
  flag: { type: new Bool(), draw: (random) => random.below(2) === 1 },
  day: { type: new DateDay(), draw: (random) => new Date(86_400_000 * random.below(40_000)) },
  time: { type: new TimestampMicrosecond('UTC'), draw: (random) => random.below(1e9) },
  nothing: { type: new Null(), draw: () => null },
};

function randomBatch(random: Random, rowCount: number, nulls: boolean): RecordBatch {
  const fields = Object.entries(KINDS).map(([name, { type }]) => new Field(name, type, true));
  const children = Object.values(KINDS).map(({ type, draw }) => {
    const values = Array.from({ length: rowCount }, () => (nulls && random.below(5) === 0 ? null : draw(random)));
    return (vectorFromArray(values, type) as Vector).data[0];
  });
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: rowCount, nullCount: 0, children }),
  );
}

async function writeBytes(batches: readonly RecordBatch[], options?: ParquetWriterOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const writer = new ParquetWriter(
    batches[0].schema,
    (bytes) => (parts.push(bytes.slice()), Promise.resolve()),
    options,
  );
  for (const batch of batches) await writer.write(batch);
  const { byteCount } = await writer.finish();
  const bytes = Buffer.concat(parts);
  expect(bytes).toHaveLength(byteCount);
  return bytes;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

const rowsOf = (batch: RecordBatch): unknown[] =>
  Array.from({ length: batch.numRows }, (_, row) =>
    batch.schema.fields.map((_field, i) => batch.getChildAt(i)?.get(row)),
  );

test.each(['auto', 'uncompressed', 'snappy', 'gzip'] as const)(
  'what is written as %s is read back, whatever the batches',
  async (codec) => {
    const random = new Random(21);
    const batches = [
      randomBatch(random, 700, true),
      randomBatch(random, 1, true),
      randomBatch(random, 300, false),
      randomBatch(random, 900, true),
    ];
    const sliced = [batches[0].slice(3, 640), ...batches.slice(1)];
    const bytes = await writeBytes(sliced, { codec, rowGroupRowCount: 800 });
    const reader = await openParquet(new MemorySource(bytes));
    expect(reader.rowCount).toBe(sliced.reduce((sum, batch) => sum + batch.numRows, 0));
    expect(String(reader.schema)).toBe(String(batches[0].schema));
    const rows = [];
    for await (const batch of reader.batches({ batchRowCount: 104 })) {
      expect(batch.numRows).toBeLessThanOrEqual(104);
      rows.push(...rowsOf(batch));
    }
    expect(rows).toEqual(sliced.flatMap(rowsOf));
    await reader.close();
  },
);

test('columns are read in the order in which they are asked for; an unknown one is named', async () => {
  const bytes = await writeBytes([randomBatch(new Random(5), 50, true)]);
  const reader = await openParquet(new MemorySource(bytes), { where: 'a.parquet' });
  const [batch] = await collect(reader.batches({ columns: ['f64', 'i8'] }));
  expect(batch.schema.fields.map((field) => field.name)).toEqual(['f64', 'i8']);
  const wrong = await collect(reader.batches({ columns: ['nope'] })).catch((error: unknown) => error);
  expect(isProblem(wrong) && wrong.reason).toBe('COLUMN_NOT_FOUND');
});

test('units and UCDs of the fields and metadata of the table are kept', async () => {
  const children = ['f64', 'i8'].map((name) => randomBatch(new Random(7), 3, false).getChild(name)?.data[0] as Data);
  const fields = children.map(
    ({ type }, i) =>
      new Field(
        `c${i}`,
        type,
        true,
        new Map([
          ['unit', 'deg'],
          ['ucd', `pos.${i}`],
        ]),
      ),
  );
  const schema = new Schema(fields, new Map([['origin', 'here']]));
  const bytes = await writeBytes(
    [new RecordBatch(schema, makeData({ type: new Struct(fields), length: 3, nullCount: 0, children }))],
    { metadata: { more: 'é' } },
  );
  const reader = await openParquet(new MemorySource(bytes));
  expect([...reader.schema.metadata]).toEqual([
    ['origin', 'here'],
    ['more', 'é'],
  ]);
  expect(reader.schema.fields.map((field) => [...field.metadata])).toEqual(fields.map((field) => [...field.metadata]));
});

test('a table without rows keeps its schema', async () => {
  const empty = randomBatch(new Random(6), 1, true).slice(0, 0);
  const reader = await openParquet(new MemorySource(await writeBytes([empty])));
  expect(reader.schema.fields).toHaveLength(Object.keys(KINDS).length);
  expect(await collect(reader.batches())).toEqual([]);
});

test.each(['auto', 'gzip'] as const)(
  'threads encode as %s what this thread encodes; pieces may be gone when the next is asked for',
  async (codec) => {
    const random = new Random(8);
    const batches = Array.from({ length: 6 }, () => randomBatch(random, 500, true));
    const whole = async (options: ParquetWriterOptions): Promise<Buffer> => {
      async function* source(): AsyncGenerator<RecordBatch> {
        yield* batches;
      }
      const parts: Uint8Array[] = [];
      for await (const piece of encodeParquet(batches[0].schema, source(), {
        rowGroupRowCount: 800,
        codec,
        ...options,
      }))
        parts.push(new Uint8Array(piece));
      return Buffer.concat(parts);
    };
    const plain = await whole({ workers: 0 });
    expect((await whole({ workers: 2 })).equals(plain)).toBe(true);
    expect((await whole({ workers: 2, recycle: true })).equals(plain)).toBe(true);
    const reader = await openParquet(new MemorySource(plain));
    const rows = (await collect(reader.batches())).flatMap(rowsOf);
    expect(rows).toEqual(batches.flatMap(rowsOf));
  },
);

test('a failing source is the error of the bytes; a reader that leaves ends the source', async () => {
  const batch = randomBatch(new Random(9), 100, true);
  let ended = false;
  async function* source(limit: number): AsyncGenerator<RecordBatch> {
    try {
      for (let i = 0; i < limit; i++) yield batch;
      throw new Error('the source broke');
    } finally {
      ended = true;
    }
  }
  await expect(collect(encodeParquet(batch.schema, source(3), { rowGroupRowCount: 100 }))).rejects.toThrow(
    'the source broke',
  );
  ended = false;
  for await (const piece of encodeParquet(batch.schema, source(1e6), { rowGroupRowCount: 100 })) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
  expect(ended).toBe(true);
});

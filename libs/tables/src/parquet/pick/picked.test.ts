import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem, Random } from '@armilla/base';
import {
  Binary,
  Bool,
  type DataType,
  DateDay,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint8,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import {
  encodeParquet,
  FileSource,
  openParquet,
  type ParquetReader,
  pickableColumn,
  type PickedColumn,
  type PickedRows,
  takeColumns,
  writePickedRows,
  writeTable,
} from '../../index.js';
import { diskFiles, type OutputFiles } from '../../table/output.js';
import { rowsOf } from '../../testing/sample-table.js';

const KINDS: Readonly<Record<string, { type: DataType; draw: (random: Random) => unknown }>> = {
  u8: { type: new Uint8(), draw: (random) => random.below(256) },
  i16: { type: new Int16(), draw: (random) => random.below(65_536) - 32_768 },
  i32: { type: new Int32(), draw: (random) => random.below(9) },
  i64: { type: new Int64(), draw: (random) => (BigInt(random.uint32() | 0) << 32n) | BigInt(random.uint32()) },
  f32: { type: new Float32(), draw: (random) => Math.fround(random.normal()) },
  f64: { type: new Float64(), draw: (random) => (random.below(50) === 0 ? NaN : random.normal()) },
  text: { type: new Utf8(), draw: (random) => 'näme '.repeat(random.below(9)) + String(random.below(1000)) },
  bytes: {
    type: new Binary(),
    draw: (random) => Uint8Array.from({ length: random.below(70) }, () => random.below(256)),
  },
  three: { type: new FixedSizeBinary(3), draw: (random) => Uint8Array.of(random.below(256), 0, random.below(256)) },
  flag: { type: new Bool(), draw: (random) => random.below(2) === 1 },
  day: { type: new DateDay(), draw: (random) => new Date(86_400_000 * random.below(40_000)) },
  time: { type: new TimestampMicrosecond('UTC'), draw: (random) => random.below(1e9) },
};
const ROWS = 2500;
const GROUP_ROWS = 800;

/** Every kind of column three times: never null, null now and then, and null only in the second half. */
function everyKind(random: Random): RecordBatch {
  const columns = Object.entries(KINDS).flatMap(([name, { type, draw }]) =>
    (['never', 'some', 'late'] as const).map((nulls) => {
      const isNull = (row: number): boolean =>
        nulls !== 'never' && (nulls === 'some' || row > ROWS / 2) && random.below(5) === 0;
      const values = Array.from({ length: ROWS }, (_, row) => (isNull(row) ? null : draw(random)));
      return {
        field: new Field(`${name}_${nulls}`, type, nulls !== 'never'),
        data: (vectorFromArray(values, type) as Vector).data[0],
      };
    }),
  );
  const fields = columns.map(({ field }) => field);
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: ROWS, nullCount: 0, children: columns.map(({ data }) => data) }),
  );
}

let folder: string;
let table: RecordBatch;
let reader: ParquetReader;
/** The table in shared memory. */
let whole: RecordBatch;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-picked-'));
  table = everyKind(new Random(3));
  const path = join(folder, 'table.parquet');
  await writeTable(path, table.schema, one(table), { format: 'parquet' });
  await rewriteInGroups(path);
  reader = await openParquet(await FileSource.open(path), { where: path });
  whole = await reader.readAll();
});
afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true });
});

async function* one<T>(...items: T[]): AsyncGenerator<T, void, undefined> {
  yield* items;
}

async function rewriteInGroups(path: string): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const parts: Uint8Array[] = [];
  for await (const part of encodeParquet(table.schema, one(table), { rowGroupRowCount: GROUP_ROWS }))
    parts.push(part.slice());
  await writeFile(path, Buffer.concat(parts));
}

const shared = (rows: readonly number[]): Int32Array => {
  const out = new Int32Array(new SharedArrayBuffer(4 * rows.length));
  out.set(rows);
  return out;
};

/** Rows of all columns as a group, from memory or from the file, and how often it was released. */
function groupOf(from: 'memory' | 'file', rows: Int32Array): { group: PickedRows; released: () => number } {
  const columns = table.schema.fields.map(({ name }, i): PickedColumn => {
    const stored = reader.storedColumn(name);
    const piece = pickableColumn(whole.data.children[i]);
    if (!stored || !piece) throw new Error(`${name} cannot be picked`);
    return from === 'file' ? { from, column: stored, rows } : { from, column: piece, rows };
  });
  let released = 0;
  return { group: { rowCount: rows.length, columns, release: () => void released++ }, released: () => released };
}

function expected(rows: Int32Array): Promise<unknown[][]> {
  return rowsOf(
    one(
      new RecordBatch(
        table.schema,
        makeData({
          type: new Struct(table.schema.fields),
          length: rows.length,
          nullCount: 0,
          children: takeColumns(table.data.children, rows),
        }),
      ),
    ),
  );
}

async function readBack(path: string): Promise<unknown[][]> {
  const written = await openParquet(await FileSource.open(path));
  expect(String(written.schema)).toBe(String(table.schema));
  const rows = await rowsOf(written.batches());
  await written.close();
  return rows;
}

const random = new Random(8);
const anyRows = shared(Array.from({ length: 4000 }, () => random.below(ROWS)));
const ascending = shared(Array.from({ length: ROWS }, (_, row) => row).filter(() => random.below(3) > 0));

test.each([
  ['memory', 'any', anyRows],
  ['memory', 'ascending', ascending],
  ['file', 'ascending', ascending],
  ['file', 'repeated', shared([0, 0, 799, 799, 800, 800, 2499, 2499])],
  ['file', 'a single one', shared([1700])],
] as const)('from %s, %s rows of every type are what a batch of them would be', async (from, _, rows) => {
  const path = join(folder, 'out.parquet');
  const { group, released } = groupOf(from, rows);
  expect(await writePickedRows(path, table.schema, one(group), { overwrite: true })).toMatchObject({
    rowCount: rows.length,
  });
  expect(await readBack(path)).toEqual(await expected(rows));
  expect(released()).toBe(1);
});

test('a row of -1 is a null in every column', async () => {
  const fields = table.schema.fields.map(({ name, type }) => new Field(name, type as DataType, true));
  const rows = shared([5, -1, 2400, 5]);
  const { group } = groupOf('memory', rows);
  const path = join(folder, 'missing.parquet');
  await writePickedRows(path, new Schema(fields), one(group));
  const written = await openParquet(await FileSource.open(path));
  expect(await rowsOf(written.batches())).toEqual(await expected(rows));
  await written.close();
});

test('columns of several pages and blocks, beside values that are there, in several row groups', async () => {
  const count = 150_000;
  const values = Float64Array.from({ length: count }, () => random.normal());
  const column = new Int32Array(new SharedArrayBuffer(8 * count));
  column.set(new Int32Array(values.buffer));
  const normal = makeData({ type: new Float64(), length: count, nullCount: 0, data: new Float64Array(column.buffer) });
  const fields = [
    new Field('picked', new Float64(), false),
    new Field('nullable', new Float64(), true),
    new Field('given', new Float64(), true),
    new Field('whole', new Float64(), true),
  ];
  const rows = Array.from({ length: 2 }, () => shared(Array.from({ length: count }, () => random.below(count))));
  const groups = rows.map((order): PickedRows => {
    const piece = pickableColumn(normal);
    if (!piece) throw new Error('not in shared memory');
    const pieces = [normal.slice(0, 1000), normal.slice(1000, count - 1000)];
    return {
      rowCount: count,
      columns: [
        { from: 'memory', column: piece, rows: order },
        { from: 'memory', column: piece, rows: order },
        { from: 'values', pieces },
        { from: 'piece', column: piece },
      ],
      release: () => undefined,
    };
  });
  const path = join(folder, 'large.parquet');
  await writePickedRows(path, new Schema(fields), one(...groups));
  const written = await openParquet(await FileSource.open(path));
  const [picked, nullable, given, whole] = (await written.readAll()).data.children.map(
    (data) => data.values as Float64Array,
  );
  const wanted = Float64Array.from(rows.flatMap((order) => Array.from(order, (row) => values[row])));
  expect(Buffer.compare(Buffer.from(picked.buffer), Buffer.from(wanted.buffer))).toBe(0);
  expect(Buffer.compare(Buffer.from(nullable.buffer), Buffer.from(wanted.buffer))).toBe(0);
  for (const column of [given, whole]) expect(column.subarray(0, count)).toEqual(new Float64Array(values));
  await written.close();
});

test('a full disk at any write leaves no half file and releases every group', async () => {
  const path = join(folder, 'full.parquet');
  for (let failing = 0; ; failing++) {
    let calls = 0;
    const files: OutputFiles = {
      ...diskFiles,
      open: async (where, mode) => {
        const file = await diskFiles.open(where, mode);
        const write = (bytes: Uint8Array): Promise<void> =>
          calls++ === failing
            ? Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
            : file.write(bytes);
        return { ...file, write };
      },
    };
    const groups = [groupOf('memory', anyRows), groupOf('file', ascending), groupOf('memory', anyRows)];
    let given = 0;
    const source = async function* (): AsyncGenerator<PickedRows, void, undefined> {
      for (const { group } of groups) {
        given++;
        yield group;
      }
    };
    const outcome = await writePickedRows(path, table.schema, source(), {}, files).catch((error: unknown) => error);
    expect(groups.map(({ released }) => released())).toEqual(groups.map((_, i) => (i < given ? 1 : 0)));
    if (!isProblem(outcome)) break;
    expect(outcome.reason).toBe('OUTPUT_WRITE_FAILED');
    expect((await readdir(folder)).filter((name) => name.startsWith('full'))).toEqual([]);
  }
  expect(existsSync(path)).toBe(true);
});

test('what lies in ordinary memory, and what has no flat form, is not picked from', () => {
  expect(pickableColumn(table.data.children[0])).toBeUndefined();
  expect(pickableColumn(vectorFromArray(['a', 'b', 'a']).data[0])).toBeUndefined();
});

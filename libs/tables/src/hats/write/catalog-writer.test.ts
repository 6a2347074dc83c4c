import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isProblem, Random } from '@armilla/base';
import {
  Dictionary,
  Field,
  Int8,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  tableFromArrays,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { type HatsWriteOptions, type HatsWritten, openTable, type RowPixels, writeHats } from '../../index.js';
import { openParquet } from '../../parquet/read/reader.js';
import { FileSource } from '../../parquet/source.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-hats-out-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, String(++count), 'catalog');

interface Row {
  readonly id: number;
  /** Undefined: no position. */
  readonly pixel: bigint | undefined;
  readonly name: string | null;
}

/** Rows that lie close together here and there, some in one pixel, some nowhere. */
function rowsAt(seed: number, rowCount: number): Row[] {
  const random = new Random(seed);
  const centres = Array.from({ length: 6 }, () => BigInt(random.below(12 * 4 ** 13)) << 32n);
  return Array.from({ length: rowCount }, (_, id) => {
    const spread = BigInt(random.below(4 ** random.below(14)));
    const at = centres[random.below(6)] + spread * BigInt(random.below(1000));
    const pixel = at % (12n << 58n);
    return {
      id,
      pixel: random.below(50) === 0 ? undefined : random.below(3) === 0 ? centres[0] : pixel,
      name: random.below(7) === 0 ? null : `row ${id}`,
    };
  });
}

/** `pixel` is a column of its own here; in a catalog of the sky it comes from a position. */
const pixels: RowPixels = {
  ra: 'x',
  dec: 'y',
  of(batch) {
    const column = batch.getChild('pixel');
    const high = new Int32Array(batch.numRows).fill(-1);
    const low = new Uint32Array(batch.numRows);
    for (let i = 0; i < batch.numRows; i++) {
      const pixel = column?.get(i) as bigint | null;
      if (pixel === null) continue;
      high[i] = Number(pixel >> 32n);
      low[i] = Number(pixel & 0xffffffffn);
    }
    return { high, low };
  },
};

function batchesOf(rows: readonly Row[], batchRows: number): { schema: Schema; batches: RecordBatch[] } {
  const pieces: Row[][] = [];
  for (let from = 0; from < rows.length; from += batchRows) pieces.push(rows.slice(from, from + batchRows));
  const batches = pieces.map((piece) => {
    const table = tableFromArrays({
      id: Int32Array.from(piece, ({ id }) => id),
      x: Float64Array.from(piece, ({ id }) => id),
      y: Float64Array.from(piece, ({ id }) => -id),
      pixel: [...piece.map(({ pixel }) => pixel ?? null), 1n],
      name: [...piece.map(({ name }) => name), 'a text'],
    });
    return table.batches[0].slice(0, piece.length) as RecordBatch;
  });
  return { schema: batches[0].schema, batches };
}

async function write(
  path: string,
  rows: readonly Row[],
  options: Partial<HatsWriteOptions> = {},
  batchRows = 97,
): Promise<HatsWritten> {
  const { schema, batches } = batchesOf(rows, batchRows);
  mkdirSync(join(path, '..'), { recursive: true });
  return writeHats(path, schema, stream(batches), { pixels, builder: 'test', ...options });
}

async function* stream<T>(items: Iterable<T>): AsyncGenerator<T, void, undefined> {
  yield* items;
}

const filesBelow = (path: string): string[] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .sort();

const contentOf = (path: string): Record<string, string> =>
  Object.fromEntries(filesBelow(path).map((name) => [name, readFileSync(join(path, name)).toString('latin1')]));

async function problemOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (isProblem(error)) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'done';
}

async function readBack(path: string): Promise<Record<string, unknown>[]> {
  const reader = await openTable(path);
  const rows: Record<string, unknown>[] = [];
  for await (const batch of reader.batches()) for (const row of batch) rows.push({ ...row?.toJSON() });
  return rows;
}

/** As a person would do it: all rows with a position, by pixel and then as they came. */
function expectedRows(rows: readonly Row[]): Record<string, unknown>[] {
  return rows
    .filter(({ pixel }) => pixel !== undefined)
    .sort((a, b) =>
      Number(
        BigInt.asIntN(64, (a.pixel as bigint) - (b.pixel as bigint)) < 0n ? -1 : a.pixel === b.pixel ? a.id - b.id : 1,
      ),
    )
    .map(({ id, pixel, name }) => ({ _healpix_29: pixel, id, x: id, y: -id, pixel, name }));
}

/** The largest pixels that hold at most so many rows, from the definition: each row by itself. */
function expectedPartitions(rows: readonly Row[], most: number, largestOrder: number): Set<string> {
  const placed = rows.flatMap(({ pixel }) => pixel ?? []);
  const at = (pixel: bigint, order: number): bigint => pixel >> BigInt(58 - 2 * order);
  return new Set(
    placed.map((pixel) => {
      let order = 0;
      while (order < largestOrder && placed.filter((other) => at(other, order) === at(pixel, order)).length > most)
        order++;
      return `${order},${at(pixel, order)}`;
    }),
  );
}

describe('rows', () => {
  const rows = rowsAt(1, 700);

  test.each([
    [1, 7],
    [40, 7],
    [40, 2],
    [300, 10],
    [1e6, 7],
    [1, 0],
  ])('at most %d in a partition, down to order %d', async (partitionRows, largestOrder) => {
    const path = fresh();
    const written = await write(path, rows, { partitionRows, largestOrder });
    expect(await readBack(path)).toEqual(expectedRows(rows));
    const listed = readFileSync(join(path, 'partition_info.csv'), 'utf8').trimEnd().split('\n').slice(1);
    expect(new Set(listed)).toEqual(expectedPartitions(rows, partitionRows, largestOrder));
    expect(written).toMatchObject({
      rowCount: rows.filter(({ pixel }) => pixel !== undefined).length,
      unplacedRowCount: rows.filter(({ pixel }) => pixel === undefined).length,
      partitionCount: listed.length,
      byteCount: filesBelow(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0),
    });
  });

  test('are the same bytes however they come and however many are sorted at a time', async () => {
    const paths = [fresh(), fresh(), fresh(), fresh()];
    await write(paths[0], rows, { partitionRows: 40 });
    await write(paths[1], rows, { partitionRows: 40, runBytes: 1 }, 1);
    await write(paths[2], rows, { partitionRows: 40, runBytes: 20_000 }, 13);
    await write(paths[3], rows, { partitionRows: 40, runBytes: 1 }, 700);
    const [first, ...others] = paths.map(contentOf);
    for (const other of others) expect(other).toEqual(first);
  });

  test('of few different texts, as dictionaries with narrow indices', async () => {
    const some = rows.slice(0, 90);
    const { schema, batches } = batchesOf(some, 30);
    const type = new Dictionary(new Utf8(), new Int8());
    const kinds = ['star', null, 'galaxy'];
    const withKinds = new Schema([...schema.fields, new Field('kind', type, true)]);
    const again = batches.map(({ data, numRows }) => {
      const kind = vectorFromArray(
        Array.from({ length: numRows }, (_, i) => kinds[i % 3]),
        type,
      );
      return new RecordBatch(
        withKinds,
        makeData({ type: new Struct(withKinds.fields), length: numRows, children: [...data.children, kind.data[0]] }),
      );
    });
    const path = fresh();
    mkdirSync(join(path, '..'), { recursive: true });
    await writeHats(path, withKinds, stream(again), { pixels, builder: 'test', runBytes: 1 });
    const expected = expectedRows(some).map((row) => ({ ...row, kind: kinds[((row.id as number) % 30) % 3] }));
    expect(await readBack(path)).toEqual(expected);
  });

  test('none at all are a catalog as well', async () => {
    const path = fresh();
    const nowhere = rows.slice(0, 3).map((row) => ({ ...row, pixel: undefined }));
    expect(await write(path, nowhere)).toMatchObject({ rowCount: 0, unplacedRowCount: 3, partitionCount: 0 });
    expect(await readBack(path)).toEqual([]);
    expect(readFileSync(join(path, 'partition_info.csv'), 'utf8')).toBe('Norder,Npix\n');
  });

  test('of a column _healpix_29 get it anew', async () => {
    const { schema, batches } = batchesOf(rows.slice(0, 5), 5);
    const fields = schema.fields.map((field) => (field.name === 'id' ? field.clone({ name: '_healpix_29' }) : field));
    const renamed = new Schema(fields);
    const path = fresh();
    mkdirSync(join(path, '..'), { recursive: true });
    const again = batches.map((batch) => new RecordBatch(renamed, batch.data));
    await writeHats(path, renamed, stream(again), { pixels, builder: 'test' });
    const expected = expectedRows(rows.slice(0, 5)).map(({ id: _, ...rest }) => rest);
    expect(await readBack(path)).toEqual(expected);
  });
});

test('says what it is', async () => {
  const path = fresh();
  const rows = rowsAt(2, 300);
  await write(path, rows, {
    partitionRows: 50,
    metadata: { 'armilla.provenance': '{"program":"armilla"}' },
    properties: { hats_coordinate_epoch: 'J2016.0' },
  });
  const properties = readFileSync(join(path, 'hats.properties'), 'utf8');
  expect(readFileSync(join(path, 'properties'), 'utf8')).toBe(properties);
  for (const line of [
    'obs_collection=catalog',
    'dataproduct_type=object',
    `hats_nrows=${expectedRows(rows).length}`,
    'hats_col_ra=x',
    'hats_col_dec=y',
    'hats_col_healpix=_healpix_29',
    'hats_col_healpix_order=29',
    'hats_npix_suffix=.parquet',
    'hats_max_rows=50',
    'hats_builder=test',
    'hats_version=v1.0',
    'hats_coordinate_epoch=J2016.0',
  ])
    expect(properties.split('\n')).toContain(line);
  const reader = await openTable(path);
  expect(reader.position).toEqual({ ra: 'x', dec: 'y', frame: undefined, epoch: 'J2016.0' });
  expect(reader.parts?.[0].provenance).toBe('{"program":"armilla"}');
  // A catalog without its list is read by its metadata.
  const before = await readBack(path);
  rmSync(join(path, 'partition_info.csv'));
  expect(await readBack(path)).toEqual(before);
  const common = await openParquet(await FileSource.open(join(path, 'dataset/_common_metadata')));
  expect([common.rowCount, common.schema.fields.length]).toEqual([0, 6]);
  await common.close();
});

describe('the folder', () => {
  const rows = rowsAt(3, 60);

  test('replaces a catalog when it is told to, and an empty folder', async () => {
    const path = fresh();
    mkdirSync(path, { recursive: true });
    await write(path, rows);
    expect(await problemOf(write(path, rows.slice(0, 10)))).toContain('OUTPUT_EXISTS');
    await write(path, rows.slice(0, 10), { overwrite: true });
    expect((await readBack(path)).length).toBe(expectedRows(rows.slice(0, 10)).length);
    expect(readdirSync(join(path, '..'))).toEqual(['catalog']);
  });

  test.each([
    ['of anything else', (path: string) => writeFileSync(join(path, 'thesis.tex'), 'x')],
    ['of Parquet files', (path: string) => writeFileSync(join(path, 'a.parquet'), 'x')],
    [
      'with a catalog and more',
      (path: string) => {
        writeFileSync(join(path, 'properties'), 'hats_version=v1.0\n');
        writeFileSync(join(path, 'notes.txt'), 'x');
      },
    ],
    ['with properties of something else', (path: string) => writeFileSync(join(path, 'properties'), 'colour=blue\n')],
  ])('is never written over one %s', async (_, fill) => {
    const path = fresh();
    mkdirSync(path, { recursive: true });
    fill(path);
    const before = contentOf(path);
    for (const overwrite of [false, true])
      expect(await problemOf(write(path, rows, { overwrite }))).toContain('OUTPUT_NOT_CREATED');
    expect(contentOf(path)).toEqual(before);
    expect(readdirSync(join(path, '..'))).toEqual(['catalog']);
  });

  test('is not written over a file, nor in no folder', async () => {
    const path = fresh();
    mkdirSync(join(path, '..'));
    writeFileSync(path, 'x');
    expect(await problemOf(write(path, rows, { overwrite: true }))).toContain('it is a file');
    expect(await problemOf(writeHats(join(folder, 'no', 'such'), ...task(rows)))).toContain('no such folder');
  });

  const task = (some: readonly Row[]): [Schema, AsyncIterable<RecordBatch>, HatsWriteOptions] => {
    const { schema, batches } = batchesOf(some, 10);
    return [schema, stream(batches), { pixels, builder: 'test' }];
  };

  test.each([
    ['the rows end with an error', 0],
    ['the signal comes', 1],
  ])('is not there when %s', async (_, which) => {
    const path = fresh();
    mkdirSync(join(path, '..'), { recursive: true });
    const { schema, batches } = batchesOf(rows, 10);
    const stop = new AbortController();
    async function* failing(): AsyncGenerator<RecordBatch> {
      yield* batches;
      expect(readdirSync(join(path, '..')).length).toBe(1);
      if (which === 0) throw new Error('no more');
      stop.abort(new Error('stopped'));
      yield batches[0];
    }
    const call = writeHats(path, schema, failing(), { pixels, builder: 'test', runBytes: 1, signal: stop.signal });
    await expect(call).rejects.toThrow(which === 0 ? 'no more' : 'stopped');
    expect(readdirSync(join(path, '..'))).toEqual([]);
    expect(existsSync(path)).toBe(false);
  });

  test('is refused for options that no catalog can have', async () => {
    for (const options of [{ partitionRows: 0 }, { partitionRows: 1.5 }, { largestOrder: 11 }, { largestOrder: -1 }])
      expect(await problemOf(write(fresh(), rows, options))).toContain('OPTION_INVALID');
  });
});

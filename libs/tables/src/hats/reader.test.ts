import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '@armilla/base';
import type { RecordBatch } from 'apache-arrow';
import { expandPath, fileFacts, HatsReader, openTable, type TableReader } from '../index.js';
import { realData } from '../testing/real-data.js';
import { SAMPLE_PARTITIONS, SAMPLE_PROPERTIES, sampleFile, writeSampleCatalog } from '../testing/sample-catalog.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-hats-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, `catalog-${++count}`);

async function rowsOf(reader: TableReader, columns?: readonly string[]): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of reader.batches({ columns }))
    for (const row of batch as RecordBatch) rows.push({ ...row?.toJSON() });
  await reader.close();
  return rows;
}

const idsOf = async (path: string | readonly string[]): Promise<number[]> =>
  (await rowsOf(await openTable(path))).map(({ id }) => Number(id));

async function problemOf(open: Promise<unknown>): Promise<string> {
  try {
    await open;
  } catch (error) {
    if (isProblem(error)) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'read';
}

describe('a catalog', () => {
  test('is a table whose rows come in the order of the sky', async () => {
    const path = await writeSampleCatalog(fresh());
    const reader = await openTable(path);
    expect(reader).toBeInstanceOf(HatsReader);
    expect({ rowCount: reader.rowCount, position: reader.position, where: reader.where }).toEqual({
      rowCount: 6,
      position: { ra: 'x', dec: 'y', frame: undefined, epoch: undefined },
      where: path,
    });
    expect(reader.parts?.map(({ rowCount }) => rowCount)).toEqual([3, 2, 1]);
    expect((await rowsOf(reader)).map((row) => row.id)).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
    expect(await rowsOf(await openTable(path), ['y'])).toEqual([0, 1, 2, 3, 4, 5].map((id) => ({ y: -id })));
  });

  test('is the files that a digest of it covers', async () => {
    const path = await writeSampleCatalog(fresh());
    const file = (name: string): string => join(path, 'dataset', name);
    const files = ['Norder=0/Dir=0/Npix=0.parquet', 'Norder=1/Dir=0/Npix=17.parquet', 'Norder=0/Dir=0/Npix=5.parquet'];
    expect(await expandPath(path)).toEqual(files.map(file));
    const before = await fileFacts(path);
    expect(before?.files.length).toBe(3);
    writeFileSync(file(files[2]), await sampleFile([6]));
    expect((await fileFacts(path))?.sha256).not.toBe(before?.sha256);
  });

  test('may have folders of files in place of files', async () => {
    const partitions = [
      { order: 3, number: 700, ids: [[2], [3]] },
      { order: 3, number: 2, ids: [[0], [1]] },
    ];
    const path = await writeSampleCatalog(fresh(), partitions, { hats_col_ra: 'x', hats_npix_suffix: '/' }, '/');
    expect(await idsOf(path)).toEqual([0, 1, 2, 3]);
  });

  const source = realData('hats/small_sky_source') ?? '';
  (source === '' ? test.skip : test)('may be listed by its metadata alone', async () => {
    const path = fresh();
    mkdirSync(join(path, 'dataset'), { recursive: true });
    writeFileSync(join(path, 'properties'), readFileSync(join(source, 'properties')));
    writeFileSync(join(path, 'dataset', '_metadata'), readFileSync(join(source, 'dataset', '_metadata')));
    expect(await problemOf(openTable(path))).toContain('partition Norder=0, Npix=4 has no file');
    for (const file of await expandPath(source)) {
      const place = join(path, file.slice(source.length));
      mkdirSync(join(place, '..'), { recursive: true });
      writeFileSync(place, readFileSync(file));
    }
    expect(await rowsOf(await openTable(path))).toEqual(await rowsOf(await openTable(source)));
  });

  test('of a collection is the one that it names', async () => {
    const path = fresh();
    await writeSampleCatalog(join(path, 'inner', 'catalog'));
    writeFileSync(join(path, 'collection.properties'), 'hats_primary_table_url=inner/catalog\nhats_version=v1.0\n');
    expect(await idsOf(path)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('stands among other files', async () => {
    const path = await writeSampleCatalog(fresh());
    const other = join(folder, 'other.csv');
    writeFileSync(other, 'id,x,y\n-1,0.5,0.5\n');
    const reader = await openTable([other, path], { mixed: true });
    expect(reader.parts?.length).toBe(4);
    expect((await rowsOf(reader)).map(({ id }) => Number(id))).toEqual([-1, 0, 1, 2, 3, 4, 5]);
    expect(await idsOf([path, path])).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
    expect(await problemOf(openTable([other, path]))).toContain('SCHEMAS_DIFFER');
  });

  test('without a partition has its columns in _common_metadata', async () => {
    const path = await writeSampleCatalog(fresh(), [], { ...SAMPLE_PROPERTIES, hats_nrows: '0' });
    mkdirSync(join(path, 'dataset'));
    writeFileSync(join(path, 'dataset', '_common_metadata'), await sampleFile([]));
    const reader = await openTable(path);
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(['id', 'x', 'y']);
    expect(await rowsOf(reader)).toEqual([]);
  });

  test('leaves nested columns out and says so', async () => {
    const path = await writeSampleCatalog(fresh(), [{ order: 0, number: 0, ids: [[1]] }], { hats_col_ra: 'i' });
    const nested = readFileSync(new URL('../../../../fixtures/parquet/pyarrow-nested.parquet', import.meta.url));
    writeFileSync(join(path, 'dataset/Norder=0/Dir=0/Npix=0.parquet'), nested);
    const reader = await openTable(path);
    expect(reader.schema.fields.map(({ name }) => name)).toEqual(['i', 'f']);
    expect(reader.warnings).toEqual([
      `${path}: column 'list' is nested (list), and is left out`,
      `${path}: column 'struct' is nested (struct), and is left out`,
    ]);
    expect((await rowsOf(reader)).length).toBe(reader.rowCount);
  });

  test('can be read in part', async () => {
    const reader = (await openTable(await writeSampleCatalog(fresh()))) as HatsReader;
    const { partitions } = reader.catalog;
    const part = reader.only([partitions[0], partitions[2]]);
    expect(part.rowCount).toBe(4);
    expect(part.skipped?.rowCount).toBe(2);
    expect((await rowsOf(part)).map(({ id }, row) => [Number(id), part.skipped?.numberOf(row)])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [5, 5],
    ]);
    expect(await rowsOf(reader.only([]))).toEqual([]);
  });
});

test('a folder with another file named properties is no catalog', async () => {
  const path = fresh();
  mkdirSync(path);
  writeFileSync(join(path, 'properties'), 'colour=blue\n');
  writeFileSync(join(path, 'a.parquet'), await sampleFile([7]));
  expect(await idsOf(path)).toEqual([7]);
});

describe('a fault is told before the first row', () => {
  const withProperties = (properties: Readonly<Record<string, string>>) => (): Promise<string> =>
    writeSampleCatalog(fresh(), SAMPLE_PARTITIONS, { ...SAMPLE_PROPERTIES, ...properties });
  const changed = (change: (path: string) => void | Promise<void>) => async (): Promise<string> => {
    const path = await writeSampleCatalog(fresh());
    await change(path);
    return path;
  };
  const collection = (url: string) => (): string => {
    const path = fresh();
    mkdirSync(path);
    writeFileSync(join(path, 'collection.properties'), `hats_primary_table_url=${url}\n`);
    return path;
  };

  test.each<[string, () => string | Promise<string>, string]>([
    [
      'a missing partition',
      changed((path) => rmSync(join(path, 'dataset/Norder=1/Dir=0/Npix=17.parquet'))),
      'HATS_PARTITION_MISSING: * partition Norder=1, Npix=17 has no file dataset/Norder=1/Dir=0/Npix=17.parquet (1 of 3 partitions',
    ],
    [
      'all missing',
      changed((path) => rmSync(join(path, 'dataset'), { recursive: true })),
      '(3 of 3 partitions are missing)',
    ],
    [
      'a folder without files',
      async () => {
        const path = await writeSampleCatalog(
          fresh(),
          [{ order: 0, number: 1, ids: [] }],
          { hats_npix_suffix: '/' },
          '/',
        );
        return path;
      },
      'HATS_PARTITION_MISSING',
    ],
    [
      'another number of rows than listed',
      changed((path) =>
        writeFileSync(join(path, 'partition_info.csv'), 'Norder,Npix,num_rows\n0,0,4\n1,17,2\n0,5,1\n'),
      ),
      'HATS_INVALID: * partition Norder=0, Npix=0 has 3 rows, 4 are listed',
    ],
    [
      'other rows than its properties say',
      withProperties({ hats_nrows: '7' }),
      'HATS_INVALID: * 6 rows, its properties say hats_nrows=7',
    ],
    ['no number of rows', withProperties({ hats_nrows: '1e99' }), "HATS_INVALID: * hats_nrows is '1e99'"],
    [
      'another schema',
      changed((path) =>
        writeFileSync(join(path, 'dataset/Norder=0/Dir=0/Npix=5.parquet'), readFileSync(nestedFixture)),
      ),
      "SCHEMAS_DIFFER: * column 'id' is missing",
    ],
    [
      'a broken file',
      changed((path) => writeFileSync(join(path, 'dataset/Norder=0/Dir=0/Npix=5.parquet'), 'nothing of the kind')),
      'PARQUET_INVALID',
    ],
    [
      'a version to come',
      withProperties({ hats_version: 'v2.0' }),
      "HATS_UNSUPPORTED: * HATS version 'v2.0' is not known",
    ],
    [
      'a margin cache',
      withProperties({ dataproduct_type: 'margin', hats_primary_table_url: 'a/gaia' }),
      "HATS_UNSUPPORTED: * give its catalog, 'gaia'",
    ],
    ['an index', withProperties({ dataproduct_type: 'index' }), 'HATS_UNSUPPORTED: * an index'],
    ['an unknown kind', withProperties({ dataproduct_type: 'cake' }), "HATS_UNSUPPORTED: * 'cake'"],
    ['an unknown frame', withProperties({ hats_frame: 'lunar' }), "HATS_INVALID: * hats_frame is 'lunar'"],
    [
      'a suffix that leads elsewhere',
      withProperties({ hats_npix_suffix: '/../../../x.parquet' }),
      'HATS_INVALID: * hats_npix_suffix',
    ],
    ['a suffix with dots', withProperties({ hats_npix_suffix: '...' }), 'HATS_INVALID: * hats_npix_suffix'],
    ['a collection that leads out', collection('../x'), "HATS_INVALID: * '../x' leads out"],
    ['a collection with an absolute path', collection('/etc'), "HATS_INVALID: * '/etc' leads out"],
    [
      'a collection elsewhere',
      collection('s3://bucket/gaia'),
      "HATS_UNSUPPORTED: * 's3://bucket/gaia', not on this machine",
    ],
    ['a collection of nothing', collection('gaia'), "HATS_INVALID: * its catalog 'gaia' is not there"],
    [
      'no list of partitions',
      changed((path) => rmSync(join(path, 'partition_info.csv'))),
      'HATS_INVALID: * neither partition_info.csv nor dataset/_metadata',
    ],
    [
      'an overlapping partition',
      changed((path) => appendFileSync(join(path, 'partition_info.csv'), '3,0\n')),
      'HATS_INVALID: * overlap',
    ],
    [
      'properties that are no text',
      changed((path) => writeFileSync(join(path, 'hats.properties'), new Uint8Array([0xff]))),
      'HATS_INVALID: * not UTF-8',
    ],
  ])('%s', async (_, make, message) => {
    const told = await problemOf(openTable(await make()));
    for (const part of message.split('*')) expect(told).toContain(part.trim());
  });

  const nestedFixture = new URL('../../../../fixtures/parquet/pyarrow-nested.parquet', import.meta.url);
});

test('a file that changes between opening and reading is told', async () => {
  const path = await writeSampleCatalog(fresh());
  const reader = await openTable(path);
  writeFileSync(join(path, 'dataset/Norder=0/Dir=0/Npix=5.parquet'), await sampleFile([5, 6]));
  expect(await problemOf(rowsOf(reader))).toContain('INPUT_UNREADABLE');
});

(realData('hats') ? describe : describe.skip)('the real samples are read in full', () => {
  test.each([
    ['small_sky', 131, 6],
    ['small_sky_source', 17_161, 10],
    ['small_sky_o1_collection', 131, 6],
    ['small_sky_o1_collection/small_sky_order1', 131, 6],
  ])('%s', async (name, rowCount, columnCount) => {
    const path = realData(`hats/${name}`) as string;
    const reader = await openTable(path);
    expect([reader.rowCount, reader.schema.fields.length]).toEqual([rowCount, columnCount]);
    const rows = await rowsOf(reader);
    expect(rows.length).toBe(rowCount);
    // Sorted by pixel, of which partitions are intervals.
    const pixels = rows.map((row) => row._healpix_29 as bigint);
    expect(pixels.every((pixel, i) => i === 0 || pixels[i - 1] <= pixel)).toBe(true);
    // The same rows as those of its files.
    const files = await Promise.all((await expandPath(path)).map(async (file) => rowsOf(await openTable(file))));
    expect(files.flat()).toEqual(rows);
  });

  test.each([
    ['small_sky_order1_margin', "its catalog, 'small_sky_order1'"],
    ['small_sky_order1_margin_10arcs', "its catalog, 'small_sky_order1'"],
    ['small_sky_order1_id_index', "its catalog, 'small_sky_order1'"],
  ])('but not %s', async (name, instead) => {
    const path = realData(`hats/small_sky_o1_collection/${name}`) as string;
    expect(await problemOf(openTable(path))).toMatch(new RegExp(`^HATS_UNSUPPORTED: .*${instead}`));
  });
});

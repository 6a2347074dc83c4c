import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { each, sampleTable } from '../testing/sample-table.js';
import { fileFacts, isSameFile } from './fileFacts.js';
import type { WrittenFormat } from './format.js';
import type { RowsMoment } from './metadata.js';
import { openTable } from './open.js';
import { parseProvenance, partsOf, PROVENANCE_KEY, readSidecar, sidecarPath } from './provenance.js';
import { writeTable } from './write.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-provenance-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const table = sampleTable(8, 3, 100);

describe('metadata', () => {
  test.each<[WrittenFormat, readonly RowsMoment[], RowsMoment]>([
    ['parquet', ['written'], 'written'],
    ['arrow-file', ['ahead', 'written'], 'written'],
    ['arrow-stream', ['ahead'], 'ahead'],
    ['csv', [], 'ahead'],
  ])('of %s is asked for when it is written, and read back', async (format, moments, read) => {
    const path = join(folder, 'table');
    let rowCount = 0;
    async function* counted() {
      for await (const batch of each(table.batches)) {
        yield batch;
        rowCount += batch.numRows;
      }
    }
    const asked: RowsMoment[] = [];
    const metadata = (rows: RowsMoment): Promise<Record<string, string>> => {
      asked.push(rows);
      expect(rowCount).toBe(rows === 'ahead' ? 0 : 300);
      return Promise.resolve({ [PROVENANCE_KEY]: `{"rows":"${rows}"}` });
    };
    await writeTable(path, table.schema, counted(), { format, metadata });
    expect(asked).toEqual(moments);
    const reader = await openTable(path);
    expect(reader.schema.metadata.get(PROVENANCE_KEY)).toBe(moments.length > 0 ? `{"rows":"${read}"}` : undefined);
    await reader.close();
  });

  test('that cannot be had leaves no file', async () => {
    const metadata = (): never => {
      throw new RangeError('no counts');
    };
    for (const format of ['parquet', 'arrow-file', 'arrow-stream'] as const)
      await expect(
        writeTable(join(folder, 'table'), table.schema, each(table.batches), { format, metadata }),
      ).rejects.toThrow('no counts');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a sidecar', () => {
  const write = (path: string, overwrite = false) =>
    writeTable(path, table.schema, each(table.batches), {
      format: 'csv',
      overwrite,
      sidecar: {
        path: sidecarPath(path),
        text: ({ rowCount, byteCount }) => JSON.stringify({ rowCount, output: { byte_count: byteCount } }),
      },
    });

  test('appears with the table and belongs to its bytes', async () => {
    const path = join(folder, 'out.csv');
    const { byteCount } = await write(path);
    expect((await readdir(folder)).sort()).toEqual(['out.csv', 'out.csv.provenance.json']);
    expect((await stat(path)).size).toBe(byteCount);
    expect(parseProvenance((await readSidecar(path, byteCount)) as string)).toMatchObject({ rowCount: 300 });
    expect(await readSidecar(path, byteCount + 1)).toBeUndefined();
    expect(await readSidecar(join(folder, 'other.csv'), byteCount)).toBeUndefined();
  });

  test('of another table is replaced only when asked for, and keeps the table from appearing', async () => {
    const path = join(folder, 'out.csv');
    await writeFile(sidecarPath(path), 'precious');
    await expect(write(path)).rejects.toMatchObject({ reason: 'OUTPUT_EXISTS' });
    expect(await readdir(folder)).toEqual(['out.csv.provenance.json']);
    expect(await readFile(sidecarPath(path), 'utf8')).toBe('precious');
    await write(path, true);
    expect(await readFile(sidecarPath(path), 'utf8')).toContain('byte_count');
  });

  test('that cannot be had leaves neither', async () => {
    const path = join(folder, 'out.csv');
    const sidecar = { path: sidecarPath(path), text: () => Promise.reject(new RangeError('no counts')) };
    const options = { format: 'csv', sidecar } as const;
    await expect(writeTable(path, table.schema, each(table.batches), options)).rejects.toThrow('no counts');
    expect(await readdir(folder)).toEqual([]);
  });

  test('is not written beside a device', async () => {
    const sidecar = { path: sidecarPath(join(folder, 'null')), text: () => '{}' };
    await writeTable('/dev/null', table.schema, each(table.batches), { format: 'csv', sidecar });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('facts of files', () => {
  const sha256 = (...parts: Uint8Array[]): string => createHash('sha256').update(Buffer.concat(parts)).digest('hex');

  test('a small file is summed whole, a large one at its ends', async () => {
    const small = join(folder, 'small');
    const large = join(folder, 'large');
    const bytes = Uint8Array.from({ length: 3 << 20 }, (_, i) => (i * 7919) >> 3);
    await writeFile(small, bytes.subarray(0, 1000));
    await writeFile(large, bytes);
    expect(await fileFacts(small)).toMatchObject({
      files: [small],
      byteCount: 1000,
      sha256: sha256(bytes.subarray(0, 1000)),
      endByteCount: undefined,
    });
    expect(await fileFacts(large)).toMatchObject({
      byteCount: 3 << 20,
      sha256: sha256(bytes.subarray(0, 1 << 20), bytes.subarray(2 << 20)),
      endByteCount: 1 << 20,
    });
  });

  test('a pattern is all of its files, in the order of their names; a device has none', async () => {
    await writeFile(join(folder, 'b.csv'), 'second');
    await writeFile(join(folder, 'a.csv'), 'first');
    const facts = await fileFacts(join(folder, '*.csv'));
    expect(facts?.files.map((path) => basename(path))).toEqual(['a.csv', 'b.csv']);
    expect(facts).toMatchObject({ byteCount: 11, sha256: sha256(Buffer.from('firstsecond')) });
    expect(await fileFacts('/dev/null')).toBeUndefined();
    await expect(fileFacts(join(folder, 'none.csv'))).rejects.toMatchObject({ reason: 'INPUT_NOT_FOUND' });
  });

  test('one file is known by whatever name', async () => {
    const path = join(folder, 'a');
    await writeFile(path, '');
    await writeFile(join(folder, 'b'), '');
    await symlink(path, join(folder, 'link'));
    expect(await isSameFile(path, join(folder, 'link'))).toBe(true);
    expect(await isSameFile(path, join(folder, 'b'))).toBe(false);
    expect(await isSameFile(path, join(folder, 'none'))).toBe(false);
  });
});

describe('files of several formats', () => {
  const write = async (name: string, format: WrittenFormat, provenance?: string): Promise<string> => {
    const path = join(folder, name);
    const metadata = provenance === undefined ? undefined : { [PROVENANCE_KEY]: provenance };
    await writeTable(path, table.schema, each(table.batches), { format, metadata });
    return path;
  };

  test('are one table when asked for, and each tells its rows and what it carries', async () => {
    const paths = [await write('1', 'arrow-file', '{"n":1}'), await write('2', 'parquet', '{"n":2}')];
    paths.push(await write('3', 'arrow-stream'));
    const reader = await openTable(paths, { mixed: true });
    let rowCount = 0;
    for await (const batch of reader.batches()) rowCount += batch.numRows;
    await reader.close();
    expect(rowCount).toBe(900);
    expect(partsOf(reader)).toEqual([
      { where: paths[0], format: 'arrow-file', rowCount: 300, provenance: '{"n":1}' },
      { where: paths[1], format: 'parquet', rowCount: 300, provenance: '{"n":2}' },
      { where: paths[2], format: 'arrow-stream', rowCount: undefined, provenance: undefined },
    ]);
  });

  test('may have their columns in another order, which is an error otherwise', async () => {
    const paths = [join(folder, 'a.csv'), join(folder, 'b.csv')];
    await writeFile(paths[0], 'id,x\n1,0.5\n');
    await writeFile(paths[1], 'x,id\n1.5,2\n');
    await expect(openTable(paths)).rejects.toMatchObject({ reason: 'SCHEMAS_DIFFER' });
    const reader = await openTable(paths, { mixed: true });
    const rows: unknown[] = [];
    for await (const batch of reader.batches()) for (const row of batch.toArray()) rows.push([row.id, row.x]);
    await reader.close();
    expect(rows).toEqual([
      [1n, 0.5],
      [2n, 1.5],
    ]);
  });
});

test.each(['', 'no json', '[1]', 'null', '7'])('%j is no document', (text) => {
  expect(parseProvenance(text)).toBeUndefined();
});

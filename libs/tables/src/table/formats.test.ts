import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IpcSplitter } from '../arrow/splitter.js';
import { bytesOf, each, inPieces, rowsOf, sampleTable } from '../testing/sample-table.js';
import { encodeTable } from './encode.js';
import { type WrittenFormat, formatOfMediaType, formatOfName, FORMATS, mediaTypeOf } from './format.js';
import { encodeTableInWorker, openTableInWorker } from './in-worker.js';
import { openTable } from './open.js';
import { closeTableThreads } from './thread.js';
import { writeTable } from './write.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-formats-'));
});
afterAll(async () => {
  await closeTableThreads();
  await rm(folder, { recursive: true });
});

const NAMES: readonly [string, WrittenFormat][] = [
  ['a.csv', 'csv'],
  ['a.tsv', 'tsv'],
  ['a.csv.gz', 'csv'],
  ['a.arrows', 'arrow-stream'],
  ['a.arrow', 'arrow-file'],
  ['a.parquet', 'parquet'],
];
const table = sampleTable(11, 3, 1000);
const typeNames = table.schema.fields.map((field) => `${field.name} ${String(field.type)}`);

describe.each(NAMES)('%s', (name, format) => {
  let path: string;
  beforeAll(async () => {
    path = join(folder, name);
    const written = await writeTable(path, table.schema, each(table.batches), { format, overwrite: true });
    expect(written.rowCount).toBe(3000);
  });

  test('holds the same table', async () => {
    const reader = await openTable(path);
    expect(reader.format).toBe(format);
    expect(reader.schema.fields.map((field) => `${field.name} ${String(field.type)}`)).toEqual(typeNames);
    expect(await rowsOf(reader.batches())).toEqual(table.rows);
    expect(await rowsOf(reader.batches({ columns: ['name', 'ra'] }))).toEqual(
      table.rows.map((row) => [row[2], row[1]]),
    );
    expect([...reader.misfits]).toEqual([]);
    await reader.close();
  });

  test('holds the same table when read in a worker thread', async () => {
    const ipc = await bytesOf(openTableInWorker({ name, path }));
    const reader = await openTable({ name, bytes: ipc });
    expect(await rowsOf(reader.batches())).toEqual(table.rows);
  });
});

test.each(FORMATS)('%s is written in a worker thread as it is here', async (format) => {
  const ipc = await bytesOf(encodeTable('arrow-stream', table.schema, each(table.batches)));
  const there = await bytesOf(encodeTableInWorker(format, inPieces(ipc, 5000)));
  const here = await bytesOf(encodeTable(format, table.schema, each(table.batches)));
  expect(Buffer.compare(there, here)).toBe(0);
});

test.each(FORMATS.filter((format) => format !== 'jsonl'))('an empty table in %s has its columns', async (format) => {
  const bytes = await bytesOf(encodeTable(format, table.schema, each([])));
  const reader = await openTable({ name: format, bytes });
  expect(reader.schema.fields.map((field) => field.name)).toEqual(['source_id', 'ra', 'name', 'variable']);
  expect(await rowsOf(reader.batches())).toEqual([]);
});

test('JSON lines hold the same rows; NaN and the infinities are null', async () => {
  const text = new TextDecoder().decode(await bytesOf(encodeTable('jsonl', table.schema, each(table.batches))));
  const lines = text.trimEnd().split('\n');
  expect(lines).toHaveLength(3000);
  lines.forEach((line, i) => {
    const [id, ra, name, variable] = table.rows[i];
    expect(line.startsWith(`{"source_id":${String(id)},"ra":`)).toBe(true);
    expect(JSON.parse(line)).toMatchObject({ ra: Number.isFinite(ra) ? ra : null, name, variable });
  });
});

test('formats have names and media types', () => {
  for (const format of FORMATS) expect(formatOfMediaType(mediaTypeOf(format))).toBe(format);
  expect(formatOfName('/data/x.CSV.GZ')).toBe('csv');
  expect(formatOfName('x.fits.gz')).toBe('fits');
  expect(formatOfName('x.fitsio')).toBeUndefined();
  expect(() => mediaTypeOf('fits')).toThrow(expect.objectContaining({ reason: 'FORMAT_NOT_WRITABLE' }));
});

test('folders and patterns are one table in name order; names that differ are told', async () => {
  const many = await mkdtemp(join(folder, 'many-'));
  await writeFile(join(many, 'b.csv'), 'a,b\n3,x\n4.5,y\n');
  await writeFile(join(many, 'a.csv.gz'), gzipSync('a,b\n1,007\n2,008\n'));
  await writeFile(join(many, '_notes.csv'), 'nothing\n');
  const whole = await openTable(many);
  expect(whole.rowCount).toBe(4);
  expect(await rowsOf(whole.batches())).toEqual([
    [1, '007'],
    [2, '008'],
    [3, 'x'],
    [4.5, 'y'],
  ]);
  expect(await rowsOf((await openTable(join(many, '[ab].csv*'))).batches())).toHaveLength(4);
  expect(await rowsOf((await openTable([join(many, 'b.csv'), join(many, 'a.csv.gz')])).batches())).toHaveLength(4);
  await writeFile(join(many, 'c.csv'), 'a,c\n1,2\n');
  await expect(openTable(many)).rejects.toMatchObject({
    reason: 'SCHEMAS_DIFFER',
    fields: { detail: expect.stringContaining("'b' is missing") as string },
  });
  await expect(openTable(join(many, '*.fits'))).rejects.toMatchObject({ reason: 'INPUT_NOT_FOUND' });
  await writeFile(join(many, 'd.tsv'), 'a\tc\n1\t2\n');
  await expect(openTable(many)).rejects.toMatchObject({ reason: 'INPUT_UNREADABLE' });
  await expect(openTable(join(folder, 'none'))).rejects.toMatchObject({ reason: 'INPUT_NOT_FOUND' });
  expect(await readdir(many)).toHaveLength(5);
});

test('text that becomes shorter while it is read is no smaller table', async () => {
  const path = join(folder, 'shrinking.csv');
  const line = '123.25,-12.5\n';
  await writeFile(path, `ra,dec\n${line.repeat(400_000)}`);
  const reader = await openTable(path);
  const read = async (): Promise<void> => {
    for await (const _ of reader.batches({ batchRowCount: 1000 })) await truncate(path, 7 + 1000 * line.length);
  };
  await expect(read()).rejects.toMatchObject({
    reason: 'INPUT_UNREADABLE',
    fields: { where: path, detail: expect.stringContaining('became shorter') as string },
  });
  await reader.close();
});

test.each([
  ['nothing', Buffer.alloc(0), 'CSV_INVALID'],
  ['zeros', Buffer.alloc(100), 'FORMAT_UNKNOWN'],
  ['noise', Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * i * 31 + (i >> 3)) & 255)), 'FORMAT_UNKNOWN'],
  ['FITS', Buffer.from('SIMPLE  =                    T'.padEnd(2880)), 'FITS_INVALID'],
  ['VOTable', Buffer.from('<?xml version="1.0"?><VOTABLE/>'), 'FORMAT_UNKNOWN'],
  ['Parquet with an encrypted footer', Buffer.from('PARE and more'), 'FORMAT_UNKNOWN'],
  ['JSON', Buffer.from('[{"ra": 1}]'), 'FORMAT_UNKNOWN'],
  ['UTF-16', Buffer.from('\ufeffra,dec\n1,2\n', 'utf16le'), 'FORMAT_UNKNOWN'],
  ['gzip of nothing', gzipSync(''), 'CSV_INVALID'],
  ['gzip cut short', gzipSync(Buffer.from('ra,dec\n1,2\n'.repeat(1000))).subarray(0, 60), 'GZIP_INVALID'],
  ['gzip head only', Buffer.from([0x1f, 0x8b]), 'GZIP_INVALID'],
  [
    'gzip and then noise',
    Buffer.concat([gzipSync('ra,dec\n1,2\n').subarray(0, 20), Buffer.alloc(50, 0xa5)]),
    'GZIP_INVALID',
  ],
  ['Parquet cut short', Buffer.from('PAR1 and no more'), 'PARQUET_INVALID'],
  ['Arrow cut short', Buffer.from([255, 255, 255, 255, 16, 0, 0, 0, 1]), 'ARROW_TRUNCATED'],
])('%s is refused with its reason', async (_, bytes, reason) => {
  await expect(openTable({ name: 'x', bytes }).then((reader) => rowsOf(reader.batches()))).rejects.toMatchObject({
    reason,
  });
  await expect(bytesOf(openTableInWorker({ name: 'x', stream: inPieces(bytes, 7) }))).rejects.toMatchObject({ reason });
});

test('gzip cut in the middle of a large file is told after its good rows', async () => {
  const bytes = gzipSync(
    Buffer.from(`ra,dec\n${Array.from({ length: 150_000 }, (_, i) => `${i * 1.7},${i}`).join('\n')}\n`),
  );
  const cut = bytes.subarray(0, bytes.length - 1000);
  const reader = await openTable({ name: 'cut', stream: inPieces(cut, 65_536) });
  await expect(rowsOf(reader.batches())).rejects.toMatchObject({ reason: 'GZIP_INVALID' });
});

test('an Arrow stream as written before version 0.15 is read, without continuation marks', async () => {
  const { schema, batches } = sampleTable(8, 3, 50);
  const word = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
  const parts: Uint8Array[] = [];
  const splitter = new IpcSplitter();
  for await (const chunk of encodeTable('arrow-stream', schema, each(batches))) {
    // The length and the header together were a multiple of 8 bytes.
    for (const { header, body } of splitter.push(chunk)) parts.push(word(header.length + 4), header, word(0), ...body);
  }
  const old = Buffer.concat([...parts, word(0)]);
  const rows = await rowsOf(
    (await openTable({ name: 'new', stream: encodeTable('arrow-stream', schema, each(batches)) })).batches(),
  );
  expect(await rowsOf((await openTable({ name: 'old', bytes: old })).batches())).toEqual(rows);
});

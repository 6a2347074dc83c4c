import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { isProblem, Random } from '@armilla/base';
import type { Vector } from 'apache-arrow';
import { inPieces, rowsOf } from '../testing/sample-table.js';
import { fitsFile, type FitsFileColumn, fitsHeader } from '../testing/fits-file.js';
import { openTable } from '../table/open.js';
import { openTableInWorker } from '../table/in-worker.js';
import { closeTableThreads } from '../table/thread.js';

afterAll(closeTableThreads);

const bytesOf = (write: (view: DataView) => void, length: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(length));
  write(view);
  return new Uint8Array(view.buffer);
};
const f64 = (...values: number[]) =>
  bytesOf((v) => values.forEach((x, i) => v.setFloat64(8 * i, x)), 8 * values.length);
const f32 = (x: number) => bytesOf((v) => v.setFloat32(0, x), 4);
const i64 = (x: bigint) => bytesOf((v) => v.setBigInt64(0, x), 8);
const i32 = (x: number) => bytesOf((v) => v.setInt32(0, x), 4);
const i16 = (...values: number[]) => bytesOf((v) => values.forEach((x, i) => v.setInt16(2 * i, x)), 2 * values.length);
const u8 = (...values: number[]) => Uint8Array.from(values);
const text = (value: string) => Buffer.from(value, 'latin1');

const COLUMNS: readonly FitsFileColumn[] = [
  {
    name: 'ra',
    form: '1D',
    cards: { TUNIT: "'deg'", TUCD: "'pos.eq.ra;meta.main'", TCOMM: "'it''s / here'" },
    rows: [f64(1.5), f64(NaN), f64(-0)],
  },
  { name: 'mag', form: 'E', rows: [f32(0.1), f32(Infinity), f32(NaN)] },
  {
    name: 'id',
    form: 'K',
    cards: { TNULL: '-9223372036854775808' },
    rows: [i64(5853498713190525696n), i64(-(2n ** 63n)), i64(-1n)],
  },
  {
    name: 'id_u',
    form: 'K',
    cards: { TZERO: '9223372036854775808' },
    rows: [i64(0n), i64(-(2n ** 63n)), i64(2n ** 63n - 1n)],
  },
  { name: 'j', form: 'J', cards: { TNULL: 7 }, rows: [i32(-(2 ** 31)), i32(7), i32(8)] },
  { name: 'j_u', form: 'J', cards: { TZERO: 2147483648 }, rows: [i32(-(2 ** 31)), i32(7), i32(2 ** 31 - 1)] },
  { name: 'i', form: 'I', rows: [i16(-1), i16(2), i16(3)] },
  { name: 'i_u', form: 'I', cards: { TZERO: 32768 }, rows: [i16(-32768), i16(0), i16(32767)] },
  { name: 'b', form: 'B', rows: [u8(0), u8(128), u8(255)] },
  { name: 'b_s', form: 'B', cards: { TZERO: -128 }, rows: [u8(0), u8(128), u8(255)] },
  { name: 'scaled', form: 'I', cards: { TSCAL: '2.5D-1', TZERO: 10, TNULL: -1 }, rows: [i16(4), i16(-1), i16(-4)] },
  { name: 'ok', form: 'L', rows: [text('T'), text('F'), u8(0)] },
  { name: 'name', form: '6A', rows: [text('Vega  '), text('\0abcde'), text('\xe9t\xe9\0xx')] },
  { name: 'pair', form: '2D', rows: [f64(1, 2), f64(3, NaN), f64(5, 6)] },
  { name: 'triple', form: '3I', cards: { TNULL: 0 }, rows: [i16(1, 2, 3), i16(4, 0, 6), i16(7, 8, 9)] },
];
const ROWS = [
  [
    1.5,
    Math.fround(0.1),
    5853498713190525696n,
    2n ** 63n,
    -(2 ** 31),
    0,
    -1,
    0,
    0,
    -128,
    11,
    true,
    'Vega',
    [1, 2],
    [1, 2, 3],
  ],
  [null, Infinity, null, 0n, null, 2147483655, 2, 32768, 128, 0, null, false, null, [3, null], [4, null, 6]],
  [-0, null, -1n, 2n ** 64n - 1n, 8, 2 ** 32 - 1, 3, 65535, 255, 127, 9, null, 'été', [5, 6], [7, 8, 9]],
];
const plain = (rows: unknown[][]): unknown[][] =>
  rows.map((row) => row.map((value) => (value !== null && typeof value === 'object' ? [...(value as Vector)] : value)));

test('every type, nulls, units, UCDs and descriptions', async () => {
  const reader = await openTable({ name: 'a.fits', bytes: fitsFile(COLUMNS) });
  expect(reader.format).toBe('fits');
  expect(reader.rowCount).toBe(3);
  expect(reader.schema.fields.map(({ type }) => String(type))).toEqual([
    'Float64',
    'Float32',
    'Int64',
    'Uint64',
    'Int32',
    'Uint32',
    'Int16',
    'Uint16',
    'Uint8',
    'Int8',
    'Float64',
    'Bool',
    'Utf8',
    'FixedSizeList[2]<Float64>',
    'FixedSizeList[3]<Int16>',
  ]);
  expect(Object.fromEntries(reader.schema.fields[0].metadata)).toEqual({
    unit: 'deg',
    ucd: 'pos.eq.ra;meta.main',
    description: "it's / here",
  });
  expect(plain(await rowsOf(reader.batches()))).toEqual(ROWS);
  expect(await rowsOf(reader.batches({ columns: ['name', 'ra'], batchRowCount: 2 }))).toEqual(
    ROWS.map((row) => [row[12], row[0]]),
  );
  await reader.close();
});

test('gzipped, as a stream in pieces, behind images, and in a worker thread', async () => {
  const image = Buffer.concat([
    fitsHeader({ XTENSION: "'IMAGE'", BITPIX: -32, NAXIS: 2, NAXIS1: 700, NAXIS2: 3 }),
    Buffer.alloc(4 * 2880, 1).subarray(0, 3 * 2880),
  ]);
  const bytes = fitsFile(COLUMNS, image);
  for (const source of [bytes, gzipSync(bytes)]) {
    const reader = await openTable({ name: 'a.fits', stream: inPieces(source, 777) });
    expect(plain(await rowsOf(reader.batches()))).toEqual(ROWS);
    await reader.close();
  }
  const parts: Uint8Array[] = [];
  for await (const part of openTableInWorker({ name: 'a.fits', stream: inPieces(bytes, 999) }, { trusted: false }))
    parts.push(part.slice());
  const ipc = await openTable({ name: 'a.fits', bytes: Buffer.concat(parts) });
  expect(plain(await rowsOf(ipc.batches()))).toEqual(ROWS);
});

test('columns that are not read are refused when they are asked for', async () => {
  const strange: FitsFileColumn[] = [
    { name: 'ra', form: 'D', rows: [f64(1)] },
    { name: 'c', form: 'C', rows: [u8(0, 0, 0, 0, 0, 0, 0, 0)] },
    { name: 'p', form: '1PE(5)', rows: [u8(0, 0, 0, 0, 0, 0, 0, 0)] },
    { name: 'x', form: '11X', rows: [u8(0, 0)] },
    { name: 't', form: '6A', cards: { TDIM: "'(3,2)'" }, rows: [text('abcdef')] },
  ];
  const reader = await openTable({ name: 'a.fits', bytes: fitsFile(strange) });
  expect(await rowsOf(reader.batches({ columns: ['ra'] }))).toEqual([[1]]);
  for (const name of ['c', 'p', 'x', 't'])
    await expect(rowsOf(reader.batches({ columns: [name] }))).rejects.toMatchObject({
      reason: 'FITS_UNSUPPORTED',
      fields: { detail: expect.stringContaining(`'${name}'`) as string },
    });
  await expect(rowsOf(reader.batches({ columns: ['no'] }))).rejects.toMatchObject({ reason: 'COLUMN_NOT_FOUND' });
});

const table = fitsFile(COLUMNS);
/** The table with `to` written over the place where `at` stands. */
const changed = (at: string, to: string): Buffer => {
  const bytes = Buffer.from(table);
  bytes.write(to, table.indexOf(at), 'latin1');
  return bytes;
};
test.each([
  ['cut in the rows', table.subarray(0, table.length - 2880 + 40), 'FITS_INVALID', 'its table has 3 rows, of which 0'],
  ['cut in the header', table.subarray(0, 2880 + 100), 'FITS_INVALID', 'within the header'],
  ['no table', fitsHeader({ SIMPLE: 'T', BITPIX: 8, NAXIS: 0 }), 'FITS_UNSUPPORTED', 'BINTABLE'],
  ['a header without END', Buffer.alloc(2880 * 2001, 'SIMPLE  = '), 'FITS_INVALID', 'has no END'],
  ['a row of another length', changed('NAXIS1  = ', 'NAXIS1  = 1'), 'FITS_INVALID', 'NAXIS1 says'],
  ['rows beyond all bounds', changed('NAXIS2  = 3 ', 'NAXIS2  = 99999999999999'), 'FITS_UNSUPPORTED', 'too large'],
  ['more rows than there are', changed('NAXIS2  = 3 ', 'NAXIS2  = 2000000'), 'FITS_INVALID', 'ends early'],
  ['a negative size', changed('NAXIS2  = 3 ', 'NAXIS2  = -3'), 'FITS_INVALID', 'NAXIS2 is -3'],
  ['columns without end', changed('TFIELDS = 15 ', 'TFIELDS = 99999999'), 'FITS_INVALID', 'TFIELDS'],
  ['an unknown format', changed("'1D'", "'1Z'"), 'FITS_INVALID', 'TFORM1'],
  ['a repeat beyond all bounds', changed("'1D'", "'999999999D'"), 'FITS_INVALID', 'NAXIS1'],
  [
    'an image beyond all bounds',
    fitsHeader({ SIMPLE: 'T', BITPIX: -64, NAXIS: 3, NAXIS1: 9e15, NAXIS2: 9e9, NAXIS3: 9 }),
    'FITS_INVALID',
    '',
  ],
  ['two columns of one name', fitsFile([COLUMNS[0], COLUMNS[0]]), 'COLUMN_DUPLICATE', ''],
])('%s is refused', async (_, bytes, reason, detail) => {
  const failed = openTable({ name: 'a.fits', bytes }).then((reader) => rowsOf(reader.batches()));
  await expect(failed).rejects.toMatchObject({ reason, message: expect.stringContaining(detail) as string });
});

test('changed bytes are read or refused, never anything else', async () => {
  const random = new Random(3);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(table);
    for (let i = 0; i <= random.below(3); i++) bytes[random.below(bytes.length)] = random.below(256);
    await openTable(
      { name: 'a.fits', bytes: bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : undefined) },
      { format: 'fits' },
    )
      .then((reader) => rowsOf(reader.batches()))
      .catch((error: unknown) => {
        if (!isProblem(error) || error.reason === 'INTERNAL') throw error;
        refused++;
      });
  }
  expect(refused).toBeGreaterThan(500);
});

const data = process.env['ARMILLA_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const replies = join(data, 'tap-replies');
(existsSync(replies) ? test : test.skip)(
  'a reply of a TAP server holds the same table as FITS and as CSV',
  async () => {
    const [fits, csv] = await Promise.all(
      ['big500.fits', 'big500.csv'].map(async (name) => {
        const reader = await openTable(
          { name, bytes: readFileSync(join(replies, name)) },
          name.endsWith('csv') ? { types: { mag: 'float32' } } : {},
        );
        const rows = await rowsOf(reader.batches());
        return rows.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)));
      }),
    );
    // That server writes what is no ASCII as question marks.
    const ascii = csv.map((row) =>
      row.map((value) => (typeof value === 'string' ? value.replace(/[^ -~]/g, '?') : value)),
    );
    expect(fits).toEqual(ascii);
  },
);

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { isProblem, Random } from '@armilla/base';
import type { Vector } from 'apache-arrow';
import { inPieces, rowsOf } from '../testing/sample-table.js';
import { openTable, type OpenOptions } from '../table/open.js';
import { openTableInWorker } from '../table/in-worker.js';
import { closeTableThreads } from '../table/thread.js';

afterAll(closeTableThreads);

const FIELDS = [
  '<FIELD name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main"><DESCRIPTION>right\n  ascension</DESCRIPTION></FIELD>',
  '<FIELD name="mag" datatype="float"/>',
  '<FIELD name="id" datatype="long"><VALUES null="-1"><MIN value="0"/></VALUES></FIELD>',
  '<FIELD name="n" datatype="int"><VALUES null="-9"></VALUES></FIELD>',
  '<FIELD name="s" datatype="short"><VALUES null="-32768"/></FIELD>',
  '<FIELD name="u" datatype="unsignedByte"/>',
  '<FIELD name="ok" datatype="boolean"/>',
  '<FIELD name="name" datatype="char" arraysize="*"/>',
  '<FIELD name="word" datatype="unicodeChar" arraysize="4"/>',
  '<FIELD name="pair" datatype="double" arraysize="2"/>',
];
const document = (data: string, fields = FIELDS.join('\n'), after = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!-- a comment <TABLE> -->\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<DESCRIPTION>x</DESCRIPTION><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><INFO name="q"><![CDATA[a < b <TABLE>]]></INFO>
<TABLE name="t">${fields}<DATA>${data}</DATA></TABLE>${after}</RESOURCE></VOTABLE>`;

const TABLEDATA = `<TABLEDATA>
<TR><TD>1.5</TD><TD>+Inf</TD><TD>5853498713190525696</TD><TD>-9</TD><TD> -3 </TD><TD>0xFF</TD><TD>T</TD><TD>a &lt; &quot;b&#x22;</TD><TD>été</TD><TD>1 2</TD></TR>
<TR><TD>NaN</TD><TD/><TD>-1</TD><TD>7</TD><TD></TD><TD>0</TD><TD>?</TD><TD></TD><TD/><TD>3 NaN</TD></TR>
<TR><TD>-1e-3</TD><TD>2.5</TD><TD>0</TD><TD>+8</TD><TD>32767</TD><TD>1</TD><TD>false</TD><TD><![CDATA[<x> ]]></TD><TD>b</TD><TD></TD></TR>
</TABLEDATA>`;
const ROWS: Row[] = [
  [1.5, Infinity, 5853498713190525696n, null, -3, 255, true, 'a < "b"', 'été', [1, 2]],
  [null, null, null, 7, null, 0, null, null, null, [3, null]],
  [-0.001, 2.5, 0n, 8, 32767, 1, false, '<x> ', 'b', [null, null]],
];

type Row = [
  number | null,
  number | null,
  bigint | null,
  number | null,
  number | null,
  number,
  boolean | null,
  string | null,
  string | null,
  (number | null)[],
];

/** The rows above as BINARY or BINARY2 has them. */
function binary(masked: boolean): string {
  const parts: Buffer[] = [];
  const put = (length: number, write: (bytes: Buffer) => void): void => {
    const bytes = Buffer.alloc(length);
    write(bytes);
    parts.push(bytes);
  };
  for (const [ra, mag, id, n, s, u, ok, name, word, pair] of ROWS as Row[]) {
    const values = [ra, mag, id, n, s, u, ok, name, word, pair];
    if (masked) put(2, (bytes) => values.forEach((value, i) => value === null && (bytes[i >> 3] |= 0x80 >> (i & 7))));
    put(8, (bytes) => bytes.writeDoubleBE(ra ?? NaN));
    put(4, (bytes) => bytes.writeFloatBE(mag ?? NaN));
    put(8, (bytes) => bytes.writeBigInt64BE(BigInt(id ?? -1)));
    put(4, (bytes) => bytes.writeInt32BE(n ?? -9));
    put(2, (bytes) => bytes.writeInt16BE(s ?? -32768));
    parts.push(Buffer.from([u, ok === null ? 63 : ok ? 84 : 70]));
    put(4, (bytes) => bytes.writeUInt32BE(name?.length ?? 0));
    parts.push(Buffer.from(name ?? ''), Buffer.from((word ?? '').padEnd(4, '\0'), 'utf16le').swap16());
    for (const item of pair) put(8, (bytes) => bytes.writeDoubleBE(item ?? NaN));
  }
  const text = Buffer.concat(parts).toString('base64').replace(/.{50}/g, '$&\n');
  const tag = masked ? 'BINARY2' : 'BINARY';
  return `<${tag}><STREAM encoding='base64'>\n${text}\n</STREAM></${tag}>`;
}

const plain = (rows: unknown[][]): unknown[][] =>
  rows.map((row) => row.map((value) => (value !== null && typeof value === 'object' ? [...(value as Vector)] : value)));
const read = async (text: string | Buffer, options: OpenOptions = {}) => {
  const reader = await openTable({ name: 'a.vot', bytes: Buffer.from(text) }, options);
  const rows = plain(await rowsOf(reader.batches()));
  return { rows, reader };
};

test('TABLEDATA: every type, nulls, units, UCDs and descriptions', async () => {
  const { rows, reader } = await read(document(TABLEDATA));
  expect(reader.format).toBe('votable');
  expect(reader.schema.fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
    'ra Float64',
    'mag Float32',
    'id Int64',
    'n Int32',
    's Int16',
    'u Uint8',
    'ok Bool',
    'name Utf8',
    'word Utf8',
    'pair FixedSizeList[2]<Float64>',
  ]);
  expect(Object.fromEntries(reader.schema.fields[0].metadata)).toEqual({
    unit: 'deg',
    ucd: 'pos.eq.ra;meta.main',
    description: 'right ascension',
  });
  expect(rows).toEqual(ROWS);
  expect([...reader.misfits]).toEqual([]);
  expect(reader.warnings).toEqual([]);
  expect(await rowsOf(reader.batches({ columns: ['name', 'ra'], batchRowCount: 2 }))).toEqual(
    ROWS.map((row) => [row[7], row[0]]),
  );
});

test.each([
  ['BINARY', binary(false)],
  ['BINARY2', binary(true)],
])('%s holds the same rows', async (_, data) => {
  // A fixed-size list has its nulls in its items; BINARY2 can say that all of it is null.
  expect((await read(document(data))).rows).toEqual(ROWS);
});

test.each([
  ['TABLEDATA', TABLEDATA],
  ['BINARY', binary(false)],
  ['BINARY2', binary(true)],
])('%s for any cut into pieces, gzipped, with prefixes, in a worker thread', async (_, data) => {
  const text = document(data);
  for (const size of [1, 2, 7, 100, 1e6])
    expect(
      plain(await rowsOf((await openTable({ name: 'a', stream: inPieces(Buffer.from(text), size) })).batches())),
    ).toEqual(ROWS);
  const zipped = await openTable({ name: 'a', stream: inPieces(gzipSync(text), 99) });
  expect(plain(await rowsOf(zipped.batches()))).toEqual(ROWS);
  const prefixed = text.replace(/<(\/?)(?=[A-Z])/g, '<$1vo:').replaceAll('<!vo:', '<!');
  expect((await read(prefixed.replaceAll('<vo:TABLE>', '<TABLE>'))).rows).toEqual(ROWS);
  const parts: Uint8Array[] = [];
  for await (const part of openTableInWorker(
    { name: 'a', stream: inPieces(Buffer.from(text), 999) },
    { trusted: false },
  ))
    parts.push(part.slice());
  expect((await read(Buffer.concat(parts))).rows).toEqual(ROWS);
});

test('Latin-1, where the document says so', async () => {
  const text = document(
    '<TABLEDATA><TR><TD>é</TD></TR></TABLEDATA>',
    '<FIELD name="a" datatype="char" arraysize="*"/>',
  );
  expect((await read(Buffer.from(text.replace('UTF-8', 'ISO-8859-1'), 'latin1'))).rows).toEqual([['é']]);
  await expect(read(Buffer.from(text, 'latin1'))).rejects.toMatchObject({ reason: 'VOTABLE_INVALID' });
});

test('one bit is a boolean, in each form', async () => {
  const fields =
    '<FIELD name="a" datatype="bit"/><FIELD name="b" datatype="short"/><FIELD name="c" datatype="bit" arraysize="9"/>';
  const bytes = (masks: number[]): string =>
    Buffer.from([...masks, 128, 0, 7, 255, 128, ...masks, 0, 0, 8, 0, 0]).toString('base64');
  for (const data of [
    '<TABLEDATA><TR><TD>1</TD><TD>7</TD><TD>111111111</TD></TR><TR><TD>0</TD><TD>8</TD><TD/></TR></TABLEDATA>',
    `<BINARY><STREAM encoding="base64">${bytes([])}</STREAM></BINARY>`,
    `<BINARY2><STREAM encoding="base64">${bytes([0])}</STREAM></BINARY2>`,
  ]) {
    const reader = await openTable({ name: 'a.vot', bytes: Buffer.from(document(data, fields)) });
    expect(await rowsOf(reader.batches({ columns: ['a', 'b'] }))).toEqual([
      [true, 7],
      [false, 8],
    ]);
  }
});

test('values that do not fit are nulls and counted', async () => {
  const fields = ['short', 'double', 'boolean', 'long']
    .map((type) => `<FIELD name="${type}" datatype="${type}"/>`)
    .join('');
  const { rows, reader } = await read(
    document(
      '<TABLEDATA><TR><TD>32768</TD><TD>x</TD><TD>maybe</TD><TD>9223372036854775808</TD></TR><TR><TD>1.5</TD><TD>1</TD><TD>0</TD><TD>1</TD></TR></TABLEDATA>',
      fields,
    ),
  );
  expect(rows).toEqual([
    [null, null, null, null],
    [null, 1, false, 1n],
  ]);
  expect([...reader.misfits]).toEqual([
    ['short', 2],
    ['double', 1],
    ['boolean', 1],
    ['long', 1],
  ]);
});

test('a table without rows, and one that a service cut', async () => {
  expect((await read(document('<TABLEDATA/>'))).rows).toEqual([]);
  expect((await read(document('<BINARY2><STREAM encoding="base64"></STREAM></BINARY2>'))).rows).toEqual([]);
  expect((await read(document('').replace('<DATA></DATA>', ''))).rows).toEqual([]);
  const { reader } = await read(document(TABLEDATA, undefined, '<INFO name="QUERY_STATUS" value="OVERFLOW"/>'));
  expect(reader.warnings).toEqual([expect.stringContaining('OVERFLOW')]);
});

const noTable = (info: string): string => `<VOTABLE><RESOURCE type="results">${info}</RESOURCE></VOTABLE>`;
const one = '<FIELD name="a" datatype="int"/>';
test.each([
  [
    'an error in place of a table',
    noTable('<INFO name="QUERY_STATUS" value="ERROR">no such column</INFO>'),
    'VOTABLE_INVALID',
    'no such column',
  ],
  [
    'an error of a cone search',
    noTable('<INFO ID="Error" name="Error" value="RA is no number"/>'),
    'VOTABLE_INVALID',
    'RA is no number',
  ],
  [
    'an error behind the rows',
    document('<TABLEDATA></TABLEDATA>', one, '<INFO name="QUERY_STATUS" value="ERROR">lost the database</INFO>'),
    'VOTABLE_INVALID',
    'lost the database',
  ],
  ['no table', noTable(''), 'VOTABLE_INVALID', 'no TABLE'],
  ['a cut document', document(TABLEDATA).slice(0, -12), 'VOTABLE_INVALID', 'ends'],
  ['a cut row', document(TABLEDATA).slice(0, document(TABLEDATA).indexOf('<TD>7')), 'VOTABLE_INVALID', 'ends'],
  ['cut base64', document(binary(true).replace(/.{9}\n<\/STREAM>/, '</STREAM>')), 'VOTABLE_INVALID', ''],
  ['no base64', document('<BINARY><STREAM encoding="base64">a-b!</STREAM></BINARY>', one), 'VOTABLE_INVALID', 'base64'],
  [
    'rows elsewhere',
    document('<BINARY><STREAM href="http://localhost/x"/></BINARY>', one),
    'VOTABLE_UNSUPPORTED',
    'href',
  ],
  ['rows as FITS', document('<FITS><STREAM/></FITS>', one), 'VOTABLE_UNSUPPORTED', 'FITS'],
  ['an unknown datatype', document('', '<FIELD name="a" datatype="quad"/>'), 'VOTABLE_INVALID', 'quad'],
  ['a strange arraysize', document('', '<FIELD name="a" datatype="int" arraysize="-1"/>'), 'VOTABLE_INVALID', '-1'],
  ['too few cells', document('<TABLEDATA><TR></TR></TABLEDATA>', one), 'VOTABLE_INVALID', 'row 1 has 0 cells'],
  [
    'too many cells',
    document('<TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA>', one),
    'VOTABLE_INVALID',
    'row 1 has 2 cells',
  ],
  [
    'a length beyond all bounds',
    document(
      `<BINARY><STREAM encoding="base64">${Buffer.from([255, 255, 255, 255]).toString('base64')}</STREAM></BINARY>`,
      '<FIELD name="a" datatype="char" arraysize="*"/>',
    ),
    'VOTABLE_INVALID',
    'value of',
  ],
  [
    'entities of its own',
    document('').replace('<VOTABLE', '<!DOCTYPE VOTABLE [<!ENTITY a "b">]><VOTABLE'),
    'VOTABLE_INVALID',
    'document type',
  ],
  ['two columns of one name', document('', one + one), 'COLUMN_DUPLICATE', ''],
  [
    'an array of varying length',
    document('<TABLEDATA/>', '<FIELD name="a" datatype="int" arraysize="*"/>'),
    'VOTABLE_UNSUPPORTED',
    "'a'",
  ],
])('%s is refused', async (_, text, reason, detail) => {
  await expect(read(text, { format: 'votable' })).rejects.toMatchObject({
    reason,
    message: expect.stringContaining(detail) as string,
  });
});

test('marks without an end are refused soon', async () => {
  for (const part of ['<!--', '<a b="', '&', '<TABLE ', '<![CDATA[', ']]>', '<?'])
    await expect(read(`<VOTABLE>${part.repeat(3e5)}`)).rejects.toMatchObject({ reason: 'VOTABLE_INVALID' });
});

test('changed bytes are read or refused, never anything else', async () => {
  const random = new Random(3);
  let refused = 0;
  for (const data of [TABLEDATA, binary(false), binary(true)]) {
    const whole = Buffer.from(document(data));
    for (let round = 0; round < 700; round++) {
      const bytes = Buffer.from(whole);
      for (let i = 0; i <= random.below(3); i++) bytes[random.below(bytes.length)] = 32 + random.below(96);
      await read(bytes.subarray(0, random.below(4) === 0 ? random.below(bytes.length) : undefined), {
        format: 'votable',
      }).catch((error: unknown) => {
        if (!isProblem(error) || error.reason === 'INTERNAL') throw error;
        refused++;
      });
    }
  }
  expect(refused).toBeGreaterThan(500);
});

const replies = join(
  process.env['ARMILLA_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url)),
  'tap-replies',
);
(existsSync(replies) ? test : test.skip).each(['big500.td.vot', 'big500.b.vot', 'big500.b2.vot'])(
  '%s holds the same table as the CSV of the same server',
  async (name) => {
    const numbers = (rows: unknown[][]) =>
      rows.map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)));
    const { rows } = await read(readFileSync(join(replies, name)));
    const csv = await openTable(
      { name: 'big500.csv', bytes: readFileSync(join(replies, 'big500.csv')) },
      { types: { mag: 'float32' } },
    );
    // That server writes what is no ASCII as question marks in columns of char.
    const wanted = numbers(await rowsOf(csv.batches())).map((row) =>
      row.map((value) => (typeof value === 'string' ? value.replace(/[^ -~]/g, '?') : value)),
    );
    expect(numbers(rows)).toEqual(wanted);
  },
);

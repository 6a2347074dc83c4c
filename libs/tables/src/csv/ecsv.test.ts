import { Random } from '@armilla/base';
import { rowsOf } from '../testing/sample-table.js';
import { openTable } from '../table/open.js';
import { BLANKS, ecsvHeader, oneDelimiter } from './ecsv.js';

const encoder = new TextEncoder();

/** As astropy writes it, but for our own names. */
const header = [
  '# %ECSV 1.0',
  '# ---',
  '# datatype:',
  '# - {name: id, datatype: int64}',
  '# - name: alpha',
  '#   unit: hourangle',
  '#   datatype: float64',
  '#   description: \'right ascension: "the" one\'',
  '#   meta: !!omap',
  '#   - {ucd: pos.eq.ra;meta.main}',
  '# - {name: beta, unit: rad, datatype: float64}',
  '# - {name: label, datatype: string}',
  '# - {name: empty, datatype: int32}',
  '# meta: !!omap',
  '# - x: !custom.Tag {a: [1, 2]}',
  '# schema: astropy-2.0',
];
const blanks = [...header, 'id alpha beta label empty', '1 0.5 0.25 "a ""b""  c" ""', '2 1.5 -0.25 007 ""', ''].join(
  '\n',
);
const commas = [
  ...header.toSpliced(2, 0, "# delimiter: ','"),
  'id,alpha,beta,label,empty',
  '1,0.5,0.25,"a ""b""  c",',
  '2,1.5,-0.25,007,',
  '',
].join('\n');

test.each([
  ['blanks', blanks],
  ['commas', commas],
  ['CR LF', blanks.replaceAll('\n', '\r\n')],
])('units, UCDs, descriptions and types of ECSV parted by %s are read', async (_, text) => {
  const reader = await openTable({ name: 'a.ecsv', bytes: encoder.encode(text) });
  const { fields } = reader.schema;
  expect(fields.map(({ name, type }) => `${name} ${String(type)}`)).toEqual([
    'id Int64',
    'alpha Float64',
    'beta Float64',
    'label Utf8',
    'empty Int32',
  ]);
  expect(Object.fromEntries(fields[1].metadata)).toEqual({
    unit: 'hourangle',
    ucd: 'pos.eq.ra;meta.main',
    description: 'right ascension: "the" one',
  });
  expect(Object.fromEntries(fields[2].metadata)).toEqual({ unit: 'rad' });
  expect(await rowsOf(reader.batches())).toEqual([
    [1n, 0.5, 0.25, 'a "b"  c', null],
    [2n, 1.5, -0.25, '007', null],
  ]);
});

test('what is given overrules the declared type', async () => {
  const reader = await openTable({ name: 'a.ecsv', bytes: encoder.encode(blanks) }, { types: { id: 'utf8' } });
  expect(String(reader.schema.fields[0].type)).toBe('Utf8');
});

test('text of no known header is read as it stands', async () => {
  expect(ecsvHeader(encoder.encode('# %ECSV 1.0\n# datatype: [\n'))).toBeUndefined();
  expect(ecsvHeader(encoder.encode('# about\n'))).toBeUndefined();
  for (const text of ['# %ECSV 1.0\n# datatype: [\na,b\n1,2\n', '# about a thing\na,b\n1,2\n', '#', '# %EC', '']) {
    const parts = await collect(oneDelimiter(pieces(encoder.encode(text), new Random(1))));
    expect(parts).toBe(text);
  }
});

test('aliases that would grow without end are no header', () => {
  const bomb = [
    'a: &a [x, x]',
    ...'bcdefghijklmnop'.split('').map((name, i) => `${name}: &${name} [${`*${'abcdefghijklmno'[i]},`.repeat(9)}]`),
  ];
  const text = ['# %ECSV 1.0', '# ---', ...bomb.map((line) => `# ${line}`), '# datatype: *p', ''].join('\n');
  expect(ecsvHeader(encoder.encode(text))).toBeUndefined();
});

test('runs of blanks outside quotes are one delimiter, for any cut into chunks', async () => {
  const random = new Random(5);
  for (let round = 0; round < 200; round++) {
    const rows = Array.from({ length: 1 + random.below(4) }, () =>
      Array.from({ length: 3 }, () => ['a', '1.5', '"x  y"', '""', '"q ""r"" "', '#'][random.below(6)]),
    ).filter(([first]) => first !== '#');
    const blank = () => ' '.repeat(1 + random.below(3));
    if (rows.length === 0) continue;
    const lines = rows.flatMap((cells) => {
      const line = cells.reduce((text, cell) => text + blank() + cell) + ' '.repeat(random.below(2));
      return random.below(4) === 0 ? [' '.repeat(random.below(2)) + line, '# a "comment'] : [line];
    });
    const text = `# %ECSV 1.0\n# ---\n# datatype: []\n${lines.join('\n')}\n`;
    const got = await collect(oneDelimiter(pieces(encoder.encode(text), random)));
    const unit = String.fromCharCode(BLANKS);
    const wanted = lines.map((line) => (line === '# a "comment' ? line : rows.shift()?.join(unit)));
    expect(got.split('\n').slice(3, -1)).toEqual(wanted);
  }
});

async function* pieces(bytes: Uint8Array, random: Random): AsyncGenerator<Uint8Array> {
  for (let at = 0, size = 0; at < bytes.length; at += size) {
    size = 1 + random.below(20);
    yield await Promise.resolve(bytes.slice(at, at + size));
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

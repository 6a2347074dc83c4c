import { Random } from '@armilla/base';
import { inPieces, rowsOf } from '../testing/sample-table.js';
import { openTable, type OpenOptions } from '../table/open.js';
import type { TableReader } from '../table/reader.js';
import { textEvidence } from './evidence.js';
import { textRecords } from './records.js';

const encoder = new TextEncoder();

const open = (text: string | Uint8Array, options: OpenOptions = {}): Promise<TableReader> =>
  openTable({ name: 'a.csv', bytes: typeof text === 'string' ? encoder.encode(text) : text }, options);

async function read(
  text: string | Uint8Array,
  options: OpenOptions = {},
): Promise<{ types: string[]; names: string[]; rows: unknown[][]; misfits: [string, number][] }> {
  const reader = await open(text, options);
  const rows = await rowsOf(reader.batches());
  const { fields } = reader.schema;
  return {
    names: fields.map((field) => field.name),
    types: fields.map((field) => String(field.type)),
    rows,
    misfits: [...reader.misfits],
  };
}

const refused = (
  text: string | Uint8Array,
  options: OpenOptions = {},
): Promise<{ reason: string; fields: Record<string, unknown> }> =>
  read(text, options).then(
    () => ({ reason: 'none', fields: {} }),
    (error: { reason: string; fields: Record<string, unknown> }) => error,
  );

test('types are found by what all rows hold', async () => {
  const { names, types, rows } = await read(
    'id,ra,name,zip,ok,mixed,big,empty,when\n' +
      '5853498713190525696,10.5,Vega,00501,true,1,99999999999999999999,,2010-01-01\n' +
      '-1,+1e2,"a ""b"", c",10001,FALSE,x,1,,\n',
  );
  expect(names).toEqual(['id', 'ra', 'name', 'zip', 'ok', 'mixed', 'big', 'empty', 'when']);
  expect(types).toEqual(['Int64', 'Float64', 'Utf8', 'Utf8', 'Bool', 'Utf8', 'Utf8', 'Utf8', 'Utf8']);
  expect(rows).toEqual([
    [5853498713190525696n, 10.5, 'Vega', '00501', true, '1', '99999999999999999999', null, '2010-01-01'],
    [-1n, 100, 'a "b", c', '10001', false, 'x', '1', null, null],
  ]);
});

test('what says "nothing" is null; NaN and the infinities are numbers', async () => {
  const { types, rows } = await read('a,b,c,t\n1,nan,,NA\nnull,2.5,"",null\nN/A,-inf,5,"null"\n--,Infinity,\\N,""\n');
  expect(types).toEqual(['Int64', 'Float64', 'Int64', 'Utf8']);
  expect(rows).toEqual([
    [1n, NaN, null, 'NA'],
    [null, 2.5, null, null],
    [null, -Infinity, 5n, 'null'],
    [null, Infinity, null, ''],
  ]);
});

test('ids beyond 2^53 stay integers beside nan', async () => {
  const { types, rows } = await read('id\n5853498713190525696\nnan\n');
  expect(types).toEqual(['Int64']);
  expect(rows).toEqual([[5853498713190525696n], [null]]);
});

test('a late value decides the type of a file, and is a counted null in a stream', async () => {
  const lines = ['x,y'];
  for (let i = 0; i < 300_000; i++) lines.push(`${i},1.5`);
  const text = `${lines.join('\n')}\n1.5,late\n`;
  const whole = await open(text);
  expect(whole.schema.fields.map((field) => String(field.type))).toEqual(['Float64', 'Utf8']);
  expect(whole.rowCount).toBe(300_001);
  const stream = await openTable({ name: 's', stream: inPieces(encoder.encode(text), 100_000) });
  expect(stream.schema.fields.map((field) => String(field.type))).toEqual(['Int64', 'Float64']);
  expect(stream.rowCount).toBeUndefined();
  let rowCount = 0;
  for await (const batch of stream.batches()) rowCount += batch.numRows;
  expect(rowCount).toBe(300_001);
  expect([...stream.misfits]).toEqual([
    ['x', 1],
    ['y', 1],
  ]);
});

test('leading zeros that come late are a counted null, never another number, unless the type was given', async () => {
  const lines = ['id,x,n'];
  for (let i = 0; i < 200_000; i++) lines.push(`${i},1.5,2`);
  for (const cell of ['007', '-007', '+00', '"08"', ' 09 ', '0000000000000000000012', '0', '-0', '10'])
    lines.push(`${cell},007.5,${cell}`);
  const bytes = encoder.encode(`${lines.join('\n')}\n`);
  const reader = await openTable({ name: 's', stream: inPieces(bytes, 100_000) }, { types: { n: 'int64' } });
  expect(reader.schema.fields.map((field) => String(field.type))).toEqual(['Int64', 'Float64', 'Int64']);
  const rows: unknown[][] = [];
  for await (const batch of reader.batches()) {
    for (const { id, x, n } of batch) rows.push([id, x, n]);
  }
  expect(rows.slice(200_000)).toEqual([
    [null, 7.5, 7n],
    [null, 7.5, -7n],
    [null, 7.5, 0n],
    [null, 7.5, 8n],
    [null, 7.5, 9n],
    [null, 7.5, 12n],
    [0n, 7.5, 0n],
    [0n, 7.5, 0n],
    [10n, 7.5, 10n],
  ]);
  expect([...reader.misfits]).toEqual([['id', 6]]);
});

test('the value that makes numbers text is told', async () => {
  const reader = await open('ra,name,id\n1.5,x,007\n,y,8\n"12h 3m",z,9\nabc,1,10\n');
  expect(reader.schema.fields.map(textEvidence)).toEqual([
    `line 4 has '"12h 3m"'`,
    "line 2 has 'x'",
    "line 2 has '007'",
  ]);
});

test('types can be overruled by name', async () => {
  const { types, rows, misfits } = await read('a,b,c,d,e\n1,2,x,1,3.5\n0,9999999999,2.5,y,7\n', {
    types: { a: 'bool', b: 'int32', c: 'float64', d: 'utf8', e: 'float32' },
  });
  expect(types).toEqual(['Bool', 'Int32', 'Float64', 'Utf8', 'Float32']);
  expect(rows).toEqual([
    [true, 2, null, '1', 3.5],
    [false, null, 2.5, 'y', 7],
  ]);
  expect(misfits).toEqual([
    ['b', 1],
    ['c', 1],
  ]);
  expect((await refused('a\n1\n', { types: { b: 'utf8' } })).reason).toBe('COLUMN_NOT_FOUND');
  expect((await refused('a\n1\n', { types: { a: 'complex' } })).reason).toBe('OPTION_INVALID');
});

test.each([
  ['comma', 'a,b\n1,2\n', 'csv'],
  ['semicolon with commas inside', 'a;b\n1;x,y,z\n2;u,v\n', 'csv'],
  ['tab', 'a\tb\n1\t2,5\n', 'tsv'],
  ['bar', 'a|b\n1|2\n', 'csv'],
  ['one column', 'a\n1\n2\n', 'csv'],
])('the delimiter is found: %s', async (_, text, format) => {
  const reader = await open(text);
  expect(reader.format).toBe(format);
  expect(reader.schema.fields[0].name).toBe('a');
  expect(await rowsOf(reader.batches())).toHaveLength(text.trim().split('\n').length - 1);
});

test('byte order mark, CR LF, CR, blanks, blank lines and a missing last line end', async () => {
  const wanted = [
    [1n, 'x'],
    [2n, 'y z'],
  ];
  for (const text of [
    '\ufeffa,b\r\n1,x\r\n2,y z\r\n',
    'a,b\r1,x\r2,y z',
    '\n\na,b\n\n1,x\n\n2,y z',
    ' a , b \n 1 ,"x"\n2  , "y z" \n',
    '"a","b"\n"1","x"\n"2","y z"',
  ]) {
    const { names, rows } = await read(text);
    expect(names).toEqual(['a', 'b']);
    expect(rows).toEqual(wanted);
  }
});

test('tables without a header get numbered columns; comment lines are skipped', async () => {
  expect((await read('1,2.5,x\n2,3.5,y\n')).names).toEqual(['col1', 'col2', 'col3']);
  expect((await read('name,2000\nVega,bright\n')).names).toEqual(['name', '2000']);
  expect((await read('x,2000,2001\na,1.5,2.5\n', { header: true })).names).toEqual(['x', '2000', '2001']);
  expect((await read('a,b\nc,d\n', { header: false })).rows).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
  expect((await read('# %ECSV 1.0\n# ---\nra,dec\n1.5,2.5\n')).names).toEqual(['ra', 'dec']);
  expect((await read('#ra,dec\n1.5,2.5\n')).names).toEqual(['ra', 'dec']);
  expect((await read('#name,type\nVega,A0\n')).rows).toEqual([['Vega', 'A0']]);
  expect((await read('# about,it\nname,type\nVega,A0\n')).names).toEqual(['name', 'type']);
  expect((await read('#ra,dec\n')).names).toEqual(['ra', 'dec']);
  expect((await read('id,x\n#1,2\n')).rows).toEqual([['#1', 2n]]);
  expect((await read('# ra,dec\n1.5,2.5\n')).names).toEqual(['ra', 'dec']);
});

test('the form of VizieR is read: comments, names, units, dashes, an end mark', async () => {
  const text = [
    '#',
    '#   VizieR Astronomical Server',
    '#Table\tI/311:',
    '#Column\tHIP\t(I6)\tIdentifier',
    '#Column\tRArad\t(F13.8)\tRight ascension',
    'HIP\tRArad\tName',
    ' \tdeg\t"h:m:s"',
    '------\t-----------\t---',
    '     1\t  0.00091185\tVega',
    '     2\t  0.00380738\t',
    '',
    '#END#',
    '',
  ].join('\n');
  for (const size of [7, 1000]) {
    const reader = await openTable({ name: 'vizier', stream: inPieces(encoder.encode(text), size) });
    expect(reader.schema.fields.map((field) => [field.name, String(field.type), field.metadata.get('unit')])).toEqual([
      ['HIP', 'Int64', undefined],
      ['RArad', 'Float64', 'deg'],
      ['Name', 'Utf8', 'h:m:s'],
    ]);
    expect(await rowsOf(reader.batches())).toEqual([
      [1n, 0.00091185, 'Vega'],
      [2n, 0.00380738, null],
    ]);
  }
  const numbers = `# by hand\na,b\n${'1,2\n# one, more, thing\n'.repeat(9)}`;
  for (let size = 1; size < 60; size++) {
    const bytes = encoder.encode(numbers);
    const reader = await openTable({ name: 'commented', stream: inPieces(bytes, size) });
    expect(reader.schema.fields.map((field) => String(field.type))).toEqual(['Int64', 'Int64']);
    expect(await rowsOf(reader.batches())).toHaveLength(9);
  }
  expect((await read('a,b\n--,--\n1,2\n')).rows).toEqual([
    [null, null],
    [1n, 2n],
  ]);
  expect((await read('a,b\n--,---\n1,2\n')).rows).toEqual([[1n, 2n]]);
  expect((await refused('# x\na,b\n1,2\n# y\n3\n')).fields['line']).toBe(5);
});

test('a header alone is an empty table of text columns', async () => {
  expect(await read('ra,dec\n')).toEqual({ names: ['ra', 'dec'], types: ['Utf8', 'Utf8'], rows: [], misfits: [] });
});

test.each([
  ['nothing', '', 'CSV_INVALID', 1],
  ['only blanks', ' \n\n', 'CSV_INVALID', 1],
  ['a short record', 'a,b,c\n1,2,3\n4,5\n', 'CSV_INVALID', 3],
  ['a long record behind a quoted line end', 'a,b\n"x\ny",2\n4,5,6\n', 'CSV_INVALID', 4],
  ['an open quote', 'a,b\n1,2\n3,"x\n4,5\n', 'CSV_INVALID', 3],
  ['text behind a quote', 'a,b\n1,"x"y\n', 'CSV_INVALID', 2],
  ['the same name twice', 'a,b,a\n1,2,3\n', 'COLUMN_DUPLICATE', undefined],
])('%s is refused with its line', async (_, text, reason, line) => {
  const error = await refused(text);
  expect(error.reason).toBe(reason);
  expect(error.fields['where']).toBe('a.csv');
  expect(error.fields['line']).toBe(line);
});

test('text that is not UTF-8 is refused with its line', async () => {
  const latin1 = Uint8Array.from('a,b\n1,x\n2,\u00e9t\u00e9\n', (c) => c.charCodeAt(0));
  expect(await refused(latin1)).toMatchObject({ reason: 'CSV_INVALID', fields: { line: 3 } });
});

test('chosen columns come in the order asked for', async () => {
  const reader = await open('a,b,c\n1,"x\ny",2.5\n2,z,3.5\n');
  expect(await rowsOf(reader.batches({ columns: ['c', 'a'] }))).toEqual([
    [2.5, 1n],
    [3.5, 2n],
  ]);
  await expect(rowsOf(reader.batches({ columns: ['d'] }))).rejects.toMatchObject({ reason: 'COLUMN_NOT_FOUND' });
});

test('a line without end is refused, in bounded memory', async () => {
  let given = 0;
  const endless = (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield encoder.encode('a,b\n');
    for (; given < 1024; given++) yield new Uint8Array(2 ** 20).fill(120);
  })();
  const started = openTable({ name: 'long', stream: endless }).then((reader) => rowsOf(reader.batches()));
  await expect(started).rejects.toMatchObject({ reason: 'CSV_INVALID' });
  expect(given).toBeLessThan(64);
});

test('any text cut anywhere reads as the plain splitter reads it', async () => {
  const random = new Random(7);
  const words = [
    '',
    'x',
    '1',
    '-7',
    '2.5',
    '1e3',
    'nan',
    'null',
    'true',
    '007',
    '123456789012345678',
    'é',
    'a b',
    ' 3',
    '4 ',
    '-',
    'long'.repeat(30),
  ];
  const quotedWords = ['""', '"1"', '"a,b"', '"l\nm"', '"r\r\ns"', '"q""q"', ' "x" ', '"null"'];
  for (let round = 0; round < 300; round++) {
    const columnCount = 1 + random.below(5);
    const delimiter = [',', '\t', ';'][random.below(3)];
    const end = ['\n', '\r\n', '\r'][random.below(3)];
    const numeric = Array.from({ length: columnCount }, () => random.below(2) === 0);
    const lines = [Array.from({ length: columnCount }, (_, i) => `c${i}`).join(delimiter)];
    for (let row = random.below(60); row > 0; row--) {
      const cells = numeric.map((isNumber) => {
        if (isNumber) return random.below(8) === 0 ? '' : String(random.between(-1e4, 1e4));
        return random.below(3) === 0
          ? quotedWords[random.below(quotedWords.length)].replace(/,/g, delimiter)
          : words[random.below(words.length)];
      });
      const line = cells.join(delimiter);
      if (line.trim() !== '') lines.push(line);
    }
    const bytes = encoder.encode(lines.join(end) + (random.below(2) === 0 ? end : ''));
    const types = Object.fromEntries(numeric.map((isNumber, i) => [`c${i}`, isNumber ? 'float64' : 'utf8']));
    const [, ...records] = textRecords(bytes, delimiter.charCodeAt(0));
    const wanted = records.map(({ cells }) =>
      cells.map(({ text, quoted }, column) => {
        const blank = text.trim() === '' || text === 'null';
        if (numeric[column]) return blank ? null : Number(text);
        return blank && !quoted ? null : text;
      }),
    );
    const options = { types, delimiter, header: true };
    const stream = await openTable({ name: `round ${round}`, stream: inPieces(bytes, 1 + random.below(80)) }, options);
    expect(await rowsOf(stream.batches({ batchRowCount: 1 + random.below(9) }))).toEqual(wanted);
    expect(await rowsOf((await open(bytes, options)).batches())).toEqual(wanted);
  }
});

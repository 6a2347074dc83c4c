import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '@armilla/base';
import { Field, Schema, Utf8, vectorFromArray } from 'apache-arrow';
import { recordBatch } from '../arrow/decoder.js';
import { encodeTable } from '../table/encode.js';
import { openTable } from '../table/open.js';
import { bytesOf, each, rowsOf } from '../testing/sample-table.js';
import { dateText, timestampText, timeText } from './clock.js';

const FIXTURES = fileURLToPath(new URL('../../../../fixtures/arrow', import.meta.url));
const textOf = async (name: string, format: 'csv' | 'jsonl'): Promise<string[]> => {
  const reader = await openTable(join(FIXTURES, name));
  const bytes = await bytesOf(encodeTable(format, reader.schema, reader.batches()));
  await reader.close();
  return new TextDecoder().decode(bytes).split('\n');
};

test('every flat type of pyarrow is written in full', async () => {
  const lines = await textOf('pyarrow-batches.arrows', 'csv');
  expect(lines.slice(0, 6)).toEqual([
    'b,i8,u8,i16,u16,i32,u32,i64,u64,f32,f64,s,ls,bin,lbin,fsb,n,d32,d64,t32,t64,ts,tn,du,dec',
    `true,-1,0,-32768,65535,1,4294967295,4611686018427387904,18446744073709551615,0.5,0.1,"",x,"","",616263,,1970-01-01,1970-01-01,00:00:00,00:00:00,1970-01-01T00:00:00Z,1970-01-01T00:00:00,0,1.25`,
    `,2,255,1,1,,1,-9223372036854775808,1,NaN,NaN,Ångström,,00ff,00ff,,,2022-01-08,1970-01-02,00:00:01,00:00:00.001,1970-01-01T00:00:00.000001Z,1970-01-01T00:00:00.000000001,1,`,
    `false,,3,2,2,3,2,,,,,,yy,,,646566,,,,,,,,,-3.50`,
    `true,127,,3,3,4,3,3,3,-0.25,-1e+300,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"",616263,616263,676869,,1969-12-31,1969-12-31,23:59:59,00:01:26.399,1969-12-31T23:59:59.999999Z,1969-12-31T23:59:59.999999999,-1,0.00`,
    `true,-128,5,,4,-5,4,4,4,Infinity,-Infinity,δ Cep,zzz,64,64,000102,,1970-01-06,1970-01-06,00:00:00.005,00:00:00.000005,2001-09-09T01:46:40Z,1970-01-12T13:46:40,5,9.99`,
  ]);
});

test('nested types of polars are JSON', async () => {
  const lines = await textOf('polars.arrows', 'csv');
  expect(lines[1]).toBe(
    `short,1,0.5,true,"[1,2]","{""x"":1,""y"":""a""}",V,V,6162,2020-01-01,2020-01-01T00:00:00,"[1,2]",`,
  );
  const rows = (await textOf('polars.arrows', 'jsonl'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows[2]).toMatchObject({
    s: 'longer than twelve bytes',
    i: null,
    f: null,
    l: [],
    st: { x: 3, y: null },
    bin: '',
  });
});

test('one column of nulls and blanks keeps its rows', async () => {
  const schema = new Schema([new Field('name', new Utf8(), true)]);
  const values = ['a', null, '', ' ', 'null', 'N/A', '#', '"', ',', '\n'];
  const data = vectorFromArray(values, new Utf8()).data[0];
  const bytes = await bytesOf(encodeTable('csv', schema, each([recordBatch(schema, [data], values.length)])));
  const reader = await openTable({ name: 'one', bytes }, { types: { name: 'utf8' } });
  expect((await rowsOf(reader.batches())).flat()).toEqual(values);
});

test('slices of a batch are written as they are seen', async () => {
  const reader = await openTable(join(FIXTURES, 'pyarrow-batches.arrows'));
  const batches = [];
  for await (const batch of reader.batches()) batches.push(batch);
  await reader.close();
  const whole = await bytesOf(encodeTable('csv', reader.schema, each(batches)));
  const pieces = batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, row) => batch.slice(row, row + 1)),
  );
  expect(Buffer.compare(await bytesOf(encodeTable('csv', reader.schema, each(pieces))), whole)).toBe(0);
});

test('dates and times agree with Date', () => {
  const random = new Random(3);
  for (let i = 0; i < 3000; i++) {
    const ms = Math.floor(random.between(-62_135_596_800_000, 253_402_300_799_000));
    const iso = new Date(ms).toISOString();
    expect(new Date(`${timestampText(BigInt(ms), 'ms')}Z`).getTime()).toBe(ms);
    expect(dateText(Math.floor(ms / 86_400_000))).toBe(iso.slice(0, 10));
  }
  expect(timestampText(-1n, 'ns')).toBe('1969-12-31T23:59:59.999999999');
  expect(dateText(-719_529)).toBe('-000001-12-31');
});

test('a time before midnight keeps its sign and its fraction', () => {
  expect(timeText(-1n, 'us')).toBe('-00:00:00.000001');
  expect(timeText(-3_601_500n, 'ms')).toBe('-01:00:01.5');
  expect(timeText(0n, 's')).toBe('00:00:00');
});

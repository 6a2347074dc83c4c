import { gzipSync } from 'node:zlib';
import { encodeTable, openTable, type WrittenFormat } from '@armilla/tables';
import { tableFromArrays, tableFromIPC } from 'apache-arrow';
import { fail } from '@armilla/base';
import { answerFrames, answering, echo } from '../testing/fake-crossmatch.js';
import { blob, eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';

let subject: UnderTest;
beforeAll(async () => {
  subject = await startUnderTest();
});
afterAll(() => subject[Symbol.asyncDispose]());
beforeEach(() => {
  subject.fake.behaviour = echo;
});

const SMALL = tableFromArrays({
  id: BigInt64Array.from([9007199254740993n, 2n]),
  ra: Float64Array.from([10.5, 359.25]),
  dec: Float64Array.from([-89.5, 12.125]),
});

async function encoded(format: WrittenFormat): Promise<Buffer> {
  async function* batches(): AsyncGenerator<(typeof SMALL.batches)[number]> {
    yield* SMALL.batches;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeTable(format, SMALL.schema, batches())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const rowsOf = (ipc: ArrayBuffer): unknown[] =>
  tableFromIPC(new Uint8Array(ipc))
    .toArray()
    .map((row) => [row.id, row.ra, row.dec]);

const ROWS = [
  [9007199254740993n, 10.5, -89.5],
  [2n, 359.25, 12.125],
];

test.each<[string, () => Promise<Buffer>]>([
  ['an Arrow stream', () => encoded('arrow-stream')],
  ['an Arrow file', () => encoded('arrow-file')],
  ['Parquet', () => encoded('parquet')],
  ['CSV', () => encoded('csv')],
  ['TSV', () => encoded('tsv')],
  ['gzipped CSV', async () => gzipSync(await encoded('csv'))],
])('%s is found by its content and read', async (_name, bytes) => {
  const body = Uint8Array.from(await bytes());
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/octet-stream' },
  });
  if (response.status !== 200) throw new Error(await response.text());
  expect(rowsOf(await response.arrayBuffer())).toEqual(ROWS);
  const form = new FormData();
  form.append('right', blob(body), 'right.bin');
  form.append('left', blob(positionsIpc(2)), 'left.bin');
  expect((await fetch(`${subject.url}/v1/crossmatch?radius=1`, { method: 'POST', body: form })).status).toBe(200);
  expect(subject.fake.matches.at(-1)?.tableOrder).toEqual([1, 0]);
  await eventually(() => subject.spooledFiles().length === 0, 'the spool is empty');
});

test.each<[WrittenFormat, string]>([
  ['arrow-stream', 'application/vnd.apache.arrow.stream'],
  ['arrow-file', 'application/vnd.apache.arrow.file'],
  ['parquet', 'application/vnd.apache.parquet'],
  ['csv', 'text/csv'],
  ['tsv', 'text/tab-separated-values'],
])('the answer is written as %s', async (format, mediaType) => {
  subject.fake.behaviour = answering(await encoded('arrow-stream'));
  for (const [query, headers] of [
    ['', { accept: `${mediaType}, */*;q=0.1` }],
    [`&format=${format}`, {}],
  ] as const) {
    const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars${query}`, {
      method: 'POST',
      body: positionsIpc(1),
      headers,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')?.split(';')[0]).toBe(mediaType);
    const reader = await openTable({ name: 'answer', bytes: new Uint8Array(await response.arrayBuffer()) });
    const rows: unknown[] = [];
    for await (const batch of reader.batches()) rows.push(...batch.toArray().map((row) => [row.id, row.ra, row.dec]));
    await reader.close();
    expect(reader.format).toBe(format === 'tsv' ? 'tsv' : format);
    expect(rows).toEqual(ROWS);
  }
});

test('the answer is written as JSON lines', async () => {
  subject.fake.behaviour = answering(await encoded('arrow-stream'));
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, {
    method: 'POST',
    body: positionsIpc(1),
    headers: { accept: 'application/x-ndjson' },
  });
  expect((await response.text()).trim().split('\n')).toHaveLength(2);
});

test('a format that nobody writes is refused before anything runs', async () => {
  const before = subject.fake.matches.length;
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, {
    method: 'POST',
    body: positionsIpc(1),
    headers: { accept: 'image/png' },
  });
  expect(response.status).toBe(406);
  expect(await response.json()).toMatchObject({ reason: 'FORMAT_NOT_WRITABLE' });
  expect(subject.fake.matches).toHaveLength(before);
});

test.each(['csv', 'parquet', 'arrow-file', 'jsonl'])(
  'a failure in mid-stream breaks an answer in %s off',
  async (format) => {
    subject.fake.behaviour = async function* (requests) {
      for await (const _ of requests);
      yield* answerFrames(positionsIpc(200_000), 2);
      throw fail('INTERNAL', { detail: 'secret path /etc/x' });
    };
    const whole = fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars&format=${format}`, {
      method: 'POST',
      body: positionsIpc(1),
    }).then(async (response) => {
      await response.arrayBuffer();
      return response.status;
    });
    // Parquet holds a row group back: then the failure still becomes an error answer.
    const status = await whole.catch(() => 'broken off');
    expect([500, 'broken off']).toContain(status);
  },
);

test.each([
  ['empty', ''],
  ['binary garbage', '\u0000\u0001\u0002garbage\u0000'],
  ['ragged', 'ra,dec\n1,2\n3,4,5,6\n'],
  ['with a name twice', 'ra,dec,ra\n1,2,3\n'],
  ['cut Parquet', 'PAR1abcdef'],
  ['cut Arrow file', 'ARROW1\u0000\u0000abc'],
])('a table that is %s is refused by name', async (_name, body) => {
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1&right=stars`, {
    method: 'POST',
    body: Uint8Array.from(Buffer.from(body, 'latin1')),
    headers: { 'content-type': 'text/csv' },
  });
  const problem = (await response.json()) as { reason: string; detail: string };
  expect([400, 415]).toContain(response.status);
  expect(problem.reason).toMatch(
    /^(CSV_INVALID|FORMAT_UNKNOWN|PARQUET_INVALID|ARROW_INVALID|ARROW_TRUNCATED|COLUMN_DUPLICATE)$/,
  );
  expect(problem.detail).toContain('left');
  await eventually(() => subject.spooledFiles().length === 0, 'the spool is empty');
});

test('values that did not fit their column are told at its end', async () => {
  subject.fake.behaviour = answering(positionsIpc(1));
  const rows = Array.from({ length: 100_000 }, (_, i) => `${i},${i % 360}.5,1.5`);
  const form = new FormData();
  form.append('right', blob(positionsIpc(2)), 'right.bin');
  form.append(
    'left',
    blob(Buffer.from(`id,ra,dec\n${rows.join('\n')}\nfirst,north,2.5\nsecond,1.5,2.5\n`)),
    'left.csv',
  );
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1`, {
    method: 'POST',
    body: form,
  });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  const { ends } = subject.fake.matches.at(-1)!;
  expect(ends.get(0)).toEqual({ misfitByColumn: { id: 2n, ra: 1n }, warnings: [] });
  expect(ends.get(1)).toBeUndefined();
});

test('what a VOTable says of itself is told at its end: the service that wrote it cut it', async () => {
  subject.fake.behaviour = answering(positionsIpc(1));
  const votable = `<VOTABLE version="1.4"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE>
<FIELD name="ra" datatype="double" unit="deg"/><FIELD name="dec" datatype="double" unit="deg"/>
<DATA><TABLEDATA><TR><TD>1</TD><TD>2</TD></TR></TABLEDATA></DATA></TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>`;
  const form = new FormData();
  form.append('right', blob(Buffer.from(votable)), 'right.vot');
  form.append('left', blob(positionsIpc(2)), 'left.arrows');
  const response = await fetch(`${subject.url}/v1/crossmatch?radius=1`, { method: 'POST', body: form });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  const { warnings } = subject.fake.matches.at(-1)!.ends.get(1)!;
  expect(warnings).toEqual([expect.stringContaining('OVERFLOW')]);
});

test('values that did not fit are told in the answer of a put, and later', async () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => `${i},${i % 360}.5,1.5`);
  const response = await fetch(`${subject.url}/v1/crossmatch/tables/misfits`, {
    method: 'PUT',
    body: `id,ra,dec\n${rows.join('\n')}\n007,north,2.5\nsecond,1.5,2.5\n`,
  });
  expect(response.status).toBe(201);
  expect(await response.json()).toMatchObject({ misfit_by_column: { id: 2, ra: 1 } });
  const later = await fetch(`${subject.url}/v1/crossmatch/tables/misfits`);
  expect(await later.json()).toMatchObject({ misfit_by_column: { id: 2, ra: 1 } });
});

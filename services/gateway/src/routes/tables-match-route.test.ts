import { TablesRequest } from '@armilla/proto';
import { tableFromIPC } from 'apache-arrow';
import { createHash } from 'node:crypto';
import { Multi, TablesJoin } from '@armilla/proto';
import { messagesOf } from '../testing/fake-crossmatch.js';
import { blob, eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';

let subject: UnderTest;
beforeAll(async () => {
  subject = await startUnderTest();
});
afterAll(() => subject[Symbol.asyncDispose]());
afterEach(async () => {
  await eventually(() => subject.spooledFiles().length === 0, 'the spool is empty');
  expect(subject.gateway.activeStreamCount).toBe(0);
});

const bodyDigest = (ipc: Uint8Array): string => {
  const hash = createHash('md5');
  for (const { body } of messagesOf(ipc)) for (const part of body) hash.update(part);
  return hash.digest('hex');
};

type Part = [string, Uint8Array<ArrayBuffer> | string];
const tables = [positionsIpc(900), positionsIpc(300, 5), positionsIpc(200, 9)];

function ask(query: string, parts: readonly Part[]): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, blob(value), `${name}.arrows`);
  }
  return fetch(`${subject.url}/v1/crossmatch/multi?${query}`, { method: 'POST', body: form });
}

const seen = () => {
  const match = subject.fake.matches.at(-1)!;
  return { ...match, request: TablesRequest.decode(match.opening!) };
};

test.each<[string, string, readonly number[]]>([
  ['in their order, their number said', 'radius=1&table_count=3', [1, 2, 3]],
  ['in their order', 'radius=1', [1, 2, 3]],
  ['in another order, their number said', 'radius=1&table_count=3', [3, 1, 2]],
  ['in another order', 'radius=1', [2, 3, 1]],
])('tables %s reach the service one after the other', async (_, query, order) => {
  const response = await ask(
    query,
    order.map((k): Part => [`table${k}`, tables[k - 1]]),
  );
  if (response.status !== 200) throw new Error(await response.text());
  expect(response.headers.get('link')).toContain('/v1/crossmatch/results/');
  expect(tableFromIPC(new Uint8Array(await response.arrayBuffer())).numRows).toBe(900);
  const { tableOrder, digests, request } = seen();
  expect(tableOrder).toEqual([0, 1, 2]);
  expect([0, 1, 2].map((k) => digests.get(k))).toEqual(tables.map(bodyDigest));
  expect(request.inputs).toHaveLength(3);
});

test('every option reaches the request', async () => {
  const response = await ask('radius=500mas&multi=combinations&table1=gaia&1.error=e:mas&table_count=3', [
    [
      'options',
      JSON.stringify({ probabilities: true, acceptable_ratio: 0.4, columns: ['1.id', 'ncat'], strict: true }),
    ],
    ['2.where', 'mag < 18'],
    ['2.sky_area', '2.5'],
    ['2.completeness', '0.9'],
    ['2.magnitude_prior', 'mag=1 2 3 4'],
    ['3.sky_area', 'full'],
    ['3.row_count', '200'],
    ['max_pairs', '77'],
    ['workers', '2'],
    ['cell_row_count', '64'],
    ['table3', tables[2]],
    ['table2', tables[1]],
  ]);
  if (response.status !== 200) throw new Error(await response.text());
  await response.arrayBuffer();
  const { request, tableOrder } = seen();
  expect(tableOrder).toEqual([1, 2]);
  expect(request).toMatchObject({
    options: {
      radiusArcsec: 0.5,
      multi: Multi.COMBINATIONS,
      join: TablesJoin.UNSPECIFIED,
      tables: [
        { columns: { error: 'e:mas' } },
        {
          columns: { where: 'mag < 18' },
          skyAreaSquareDegrees: 2.5,
          completeness: 0.9,
          magnitudePriors: ['mag=1 2 3 4'],
        },
        { skyAreaSquareDegrees: 41_253 },
      ],
      probabilities: { completeness: 0, acceptableRatio: 0.4 },
      columns: ['1.id', 'ncat'],
      strict: true,
      maxPairs: 77n,
    },
    execution: { workerCount: 2, cellRowCount: 64 },
    inputs: [
      { storedTable: 'gaia', rowCount: 0n },
      { storedTable: '', rowCount: 0n },
      { storedTable: '', rowCount: 200n },
    ],
  });
});

test('stored tables need no body', async () => {
  const response = await fetch(
    `${subject.url}/v1/crossmatch/multi?radius=1&table1=a&table2=b&table3=c&multi=groups&join=matched`,
    { method: 'POST' },
  );
  // The fake has no schema to answer with.
  await response.arrayBuffer();
  const { request } = seen();
  expect(request.inputs.map(({ storedTable }) => storedTable)).toEqual(['a', 'b', 'c']);
  expect(request.options).toMatchObject({ multi: Multi.GROUPS, join: TablesJoin.MATCHED });
});

const [a, b, c] = tables.map((table, k): Part => [`table${k + 1}`, table]);
test.each<[string, string, string, readonly Part[], string]>([
  ['no radius', 'OPTION_INVALID', '', [a, b], 'radius'],
  ['one table', 'OPTION_INVALID', 'radius=1', [a], '2 to 10 tables'],
  ['a gap', 'REQUEST_INVALID', 'radius=1', [a, c], "'table2' is missing"],
  ['a table that is missing', 'REQUEST_INVALID', 'radius=1&table_count=3', [a, b], "'table3' is missing"],
  ['more than said', 'OPTIONS_CONFLICT', 'radius=1&table_count=2', [a, b, c], 'there are 2 tables'],
  ['a stored one that is sent', 'OPTIONS_CONFLICT', 'radius=1&table_count=2&table2=x', [a, b], 'a stored one'],
  ['the same, said later', 'REQUEST_INVALID', 'radius=1', [a, b, ['table2', 'x']], 'twice'],
  ['a table twice', 'REQUEST_INVALID', 'radius=1', [a, a, b], 'twice'],
  ['options behind tables', 'STREAM_ORDER', 'radius=1&table_count=2', [a, ['multi', 'groups'], b], 'options first'],
  ['an eleventh table', 'OPTION_UNKNOWN', 'radius=1', [a, b, ['table11', 'x']], 'K\\.error'],
  ['an unknown option', 'OPTION_UNKNOWN', 'radius=1&find=all', [a, b], 'tableK'],
  ['an epoch', 'OPTION_UNKNOWN', 'radius=1&1.epoch=J2000', [a, b], '1\\.epoch'],
  ['options of a table too many', 'OPTIONS_CONFLICT', 'radius=1&3.error=1arcsec', [a, b], 'table 3'],
  ['a share beyond 1', 'OPTION_INVALID', 'radius=1&2.completeness=2', [a, b], '2\\.completeness'],
  ['completeness alone', 'OPTIONS_CONFLICT', 'radius=1&completeness=0.5', [a, b], 'probabilities'],
  ['eleven tables', 'OPTION_INVALID', 'radius=1&table_count=11', [a, b], 'table_count'],
  ['a handle that is none', 'HANDLE_INVALID', 'radius=1&table1=..', [b], 'name'],
  ['a table cut off', 'ARROW_TRUNCATED', 'radius=1', [a, ['table2', tables[1].slice(0, 900)]], 'table2'],
])('%s is %s', async (_, reason, query, parts, says) => {
  const response = await ask(query, parts);
  const problem = (await response.json()) as { reason: string; detail: string; fields: object };
  expect(problem.reason).toBe(reason);
  expect(JSON.stringify(problem)).toMatch(new RegExp(says));
});

test('a body that is no form is refused', async () => {
  const response = await fetch(`${subject.url}/v1/crossmatch/multi?radius=1`, { method: 'POST', body: tables[0] });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    reason: 'REQUEST_INVALID',
    detail: expect.stringContaining('table1') as string,
  });
});

test('a client that leaves in the middle of its upload ends the call', async () => {
  const stop = new AbortController();
  const before = subject.fake.matches.length;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      const head = (k: number): string =>
        `--x\r\ncontent-disposition: form-data; name="table${k}"; filename="t"\r\ncontent-type: application/octet-stream\r\n\r\n`;
      controller.enqueue(
        Buffer.concat([Buffer.from(head(1)), tables[0], Buffer.from(`\r\n${head(2)}`), tables[1].slice(0, 500)]),
      );
    },
  });
  const asked = fetch(`${subject.url}/v1/crossmatch/multi?radius=1&table_count=2`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    signal: stop.signal,
    duplex: 'half',
  } as RequestInit);
  await eventually(() => subject.fake.matches.length > before && seen().ended.has(0), 'the first table has come');
  stop.abort();
  await expect(asked).rejects.toThrow();
  await eventually(() => seen().aborted !== undefined, 'the service hears that the client left');
  await eventually(() => subject.gateway.activeStreamCount === 0, 'the place is given back');
});

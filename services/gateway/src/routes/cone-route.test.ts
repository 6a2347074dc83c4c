import { tableFromIPC } from 'apache-arrow';
import { startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';

let subject: UnderTest;
beforeAll(async () => (subject = await startUnderTest()));
afterAll(() => subject[Symbol.asyncDispose]());

const cone = (query: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${subject.url}/v1/crossmatch/cone?${query}`, init);

test('one search by our names, and by those of the Simple Cone Search in any case', async () => {
  const ours =
    'table=gaia&ra=00:42:44.3&dec=%2B41:16:09&radius=5arcmin&limit=10&columns=id,ra&where=mag%3C18&at_epoch=J2026.5';
  expect((await cone(`${ours}&epoch=J2016&pm_ra_cosdec=pmra&pm_dec=pmdec`)).status).toBe(200);
  expect(subject.fake.cones.at(-1)).toMatchObject({
    table: 'gaia',
    raDegrees: expect.closeTo(10.684583333333333, 12),
    decDegrees: expect.closeTo(41.26916666666667, 12),
    radiusArcsec: 300,
    rowLimit: 10n,
    columns: ['id', 'ra'],
    atEpoch: 'J2026.5',
    position: { where: 'mag<18', epoch: 'J2016', pmRaCosdec: 'pmra', pmDec: 'pmdec', ra: '', error: '' },
  });
  expect((await cone('TABLE=gaia&RA=279.2347&DEC=+38.7837&SR=0.5&VERB=2&MaxRec=7')).status).toBe(200);
  expect(subject.fake.cones.at(-1)).toMatchObject({
    table: 'gaia',
    raDegrees: 279.2347,
    decDegrees: 38.7837,
    radiusArcsec: 1800,
    rowLimit: 7n,
  });
  expect((await cone('table=gaia&ra=1&dec=2&sr=0')).status).toBe(200);
  expect(subject.fake.cones.at(-1)).toMatchObject({ rowLimit: 0n });
});

test('every format; a cut answer says so in its headers', async () => {
  const answer = await cone('table=gaia&ra=1&dec=2&radius=3', { headers: { 'x-request-id': 'cone-7' } });
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/vnd.apache.arrow.stream',
    'x-request-id': 'cone-7',
    'armilla-row-count': '2',
    'armilla-found-row-count': '5',
    'armilla-overflow': 'true',
  });
  expect(tableFromIPC(new Uint8Array(await answer.arrayBuffer())).numRows).toBe(2);
  expect(subject.fake.cones.at(-1)).toMatchObject({ requestId: 'cone-7' });
  const csv = await cone('table=gaia&ra=1&dec=2&radius=3', { headers: { accept: 'text/csv' } });
  expect(await csv.text()).toBe('id,ra\n7,1.0\n8,2.0\n');
  for (const name of ['csv', 'text/csv', 'text/csv;header=present']) {
    const named = await cone(`table=gaia&RA=1&DEC=2&SR=3&RESPONSEFORMAT=${encodeURIComponent(name)}`);
    expect(await named.text()).toBe('id,ra\n7,1.0\n8,2.0\n');
  }
  const lines = await cone('table=gaia&ra=1&dec=2&radius=3&format=jsonl');
  expect(await lines.text()).toBe('{"id":7,"ra":1.0}\n{"id":8,"ra":2.0}\n');
  for (const format of ['tsv', 'parquet', 'arrow-file'])
    expect((await cone(`table=gaia&ra=1&dec=2&radius=3&format=${format}`)).status).toBe(200);
  const head = await cone('table=gaia&ra=1&dec=2&radius=3', { method: 'HEAD' });
  expect([head.status, head.headers.get('armilla-overflow'), await head.text()]).toEqual([200, 'true', '']);
});

test.each([
  ['ra=1&dec=2&radius=3', 400, 'OPTION_INVALID', 'table'],
  ['table=gaia&dec=2&radius=3', 400, 'OPTION_INVALID', 'ra'],
  ['table=gaia&ra=1&radius=3', 400, 'OPTION_INVALID', 'dec'],
  ['table=gaia&ra=1&dec=2', 400, 'OPTION_INVALID', 'radius'],
  ['table=gaia&ra=NaN&dec=2&radius=3', 400, 'OPTION_INVALID', 'ra'],
  ['table=gaia&ra=1&dec=-90.5&radius=3', 400, 'OPTION_INVALID', 'dec'],
  ['table=gaia&ra=1&dec=2&radius=0', 400, 'RADIUS_OUT_OF_RANGE', 'radius'],
  ['table=gaia&ra=1&dec=2&sr=180.1', 400, 'RADIUS_OUT_OF_RANGE', 'sr'],
  ['table=gaia&ra=1&dec=2&sr=-1', 400, 'RADIUS_OUT_OF_RANGE', 'sr'],
  ['table=gaia&ra=1&RA=1&dec=2&radius=3', 400, 'OPTIONS_CONFLICT', 'ra'],
  ['table=gaia&ra=1&dec=2&radius=3&sr=1', 400, 'OPTIONS_CONFLICT', 'sr'],
  ['table=gaia&ra=1&dec=2&sr=3&limit=1&maxrec=1', 400, 'OPTIONS_CONFLICT', 'maxrec'],
  ['table=gaia&ra=1&dec=2&sr=3&maxrec=-1', 400, 'OPTION_INVALID', 'maxrec'],
  ['table=gaia&ra=1&dec=2&sr=3&verb=4', 400, 'OPTION_INVALID', 'verb'],
  ['table=gaia&ra=1&dec=2&sr=3&find=all', 400, 'OPTION_UNKNOWN', 'find'],
  ['table=.gaia&ra=1&dec=2&sr=3', 400, 'HANDLE_INVALID', undefined],
  ['table=nowhere&ra=1&dec=2&sr=3', 404, 'HANDLE_NOT_FOUND', undefined],
  ['table=gaia&ra=1&dec=2&sr=3&responseformat=votable', 406, 'FORMAT_NOT_WRITABLE', undefined],
])('%s is refused with %d %s', async (query, status, reason, field) => {
  const answer = await cone(query);
  expect(answer.status).toBe(status);
  expect(await answer.json()).toMatchObject({ reason, ...(field && { fields: { field } }) });
});

test('a client that takes nothing but VOTable is told what there is', async () => {
  const answer = await cone('table=gaia&RA=1&DEC=2&SR=3', { headers: { accept: 'application/x-votable+xml' } });
  expect(answer.status).toBe(406);
  expect(await answer.json()).toMatchObject({
    reason: 'FORMAT_NOT_WRITABLE',
    detail: expect.stringMatching(/text\/csv/),
  });
});

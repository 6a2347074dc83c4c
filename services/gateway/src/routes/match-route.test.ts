import { tableFromIPC } from 'apache-arrow';
import { createHash } from 'node:crypto';
import { blob, eventually, positionsIpc, startUnderTest, type UnderTest } from '../testing/gateway-under-test.js';
import { messagesOf } from '../testing/fake-crossmatch.js';

let it_: UnderTest;
beforeAll(async () => {
  it_ = await startUnderTest();
});
afterAll(() => it_[Symbol.asyncDispose]());

const bodyDigest = (ipc: Uint8Array): string => {
  const hash = createHash('md5');
  for (const { body } of messagesOf(ipc)) for (const part of body) hash.update(part);
  return hash.digest('hex');
};

function form(...parts: [string, Blob | string][]): FormData {
  const data = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') data.append(name, value);
    else data.append(name, value, `${name}.arrows`);
  }
  return data;
}

test('right first streams both tables and the answer comes back', async () => {
  const left = positionsIpc(1000);
  const right = positionsIpc(500, 7);
  const response = await fetch(`${it_.url}/v1/crossmatch?radius=500mas&find=all&columns=left.ra,separation_arcsec`, {
    method: 'POST',
    body: form(['right', blob(right)], ['left', blob(left)]),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
  expect(response.headers.get('armilla-left-columns')).toBe('ra,dec');
  expect(response.headers.get('armilla-right-columns')).toBe('RAJ2000,DEJ2000');
  const requestId = response.headers.get('x-request-id');
  const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
  expect(table.numRows).toBe(1000);
  expect(table.getChild('ra')?.get(3)).toBeCloseTo(1.11, 12);
  const seen = it_.fake.matches.at(-1)!;
  expect(seen.requestId).toBe(requestId);
  expect(seen.tableOrder).toEqual([1, 0]);
  expect(seen.digests.get(0)).toBe(bodyDigest(left));
  expect(seen.digests.get(1)).toBe(bodyDigest(right));
  expect(seen.request?.options).toMatchObject({
    radiusArcsec: 0.5,
    find: 2,
    columns: ['left.ra', 'separation_arcsec'],
  });
});

test('left first is spooled to disk and nothing of it stays', async () => {
  const left = positionsIpc(1000);
  const right = positionsIpc(500, 7);
  const response = await fetch(`${it_.url}/v1/crossmatch`, {
    method: 'POST',
    body: form(['left', blob(left)], ['right', blob(right)], ['options', '{"radius_arcsec": 2, "strict": true}']),
  });
  if (response.status !== 200) throw new Error(await response.text());
  expect(tableFromIPC(new Uint8Array(await response.arrayBuffer())).numRows).toBe(1000);
  const seen = it_.fake.matches.at(-1)!;
  expect(seen.tableOrder).toEqual([1, 0]);
  expect(seen.digests.get(0)).toBe(bodyDigest(left));
  expect(seen.request?.options).toMatchObject({ radiusArcsec: 2, strict: true });
  await eventually(() => it_.spooledFiles().length === 0, 'the spool is empty');
});

test('a bare body is the left table of a stored one', async () => {
  const left = positionsIpc(20);
  const response = await fetch(`${it_.url}/v1/crossmatch?radius=1&right=gaia_dr3`, { method: 'POST', body: left });
  expect(response.status).toBe(200);
  expect(tableFromIPC(new Uint8Array(await response.arrayBuffer())).numRows).toBe(20);
  expect(it_.fake.matches.at(-1)?.request?.rightTable).toBe('gaia_dr3');
});

test('all wrong options are listed by name', async () => {
  const response = await fetch(`${it_.url}/v1/crossmatch?radius=-1&find=nearby&colour=red&k=many`, {
    method: 'POST',
    body: form(['right', blob(positionsIpc(1))], ['left', blob(positionsIpc(1))]),
  });
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = (await response.json()) as {
    reason: string;
    errors: { field: string; reason: string }[];
    request_id: string;
    trace_id: string;
  };
  expect(problem.reason).toBe('REQUEST_INVALID');
  expect(problem.errors.map(({ field, reason }) => [field, reason])).toEqual([
    ['radius', 'RADIUS_OUT_OF_RANGE'],
    ['find', 'OPTION_INVALID'],
    ['colour', 'OPTION_UNKNOWN'],
    ['k', 'OPTION_INVALID'],
  ]);
  expect(problem.request_id).toBe(response.headers.get('x-request-id'));
  expect(problem.trace_id).toMatch(/^[0-9a-f]{32}$/);
});

import { callOnce, type Frame, makeFrame, type RunningServer, writeFrame } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import {
  Find,
  type ListTablesResponse,
  type MatchOptions,
  Order,
  PositionColumns,
  PutOptions,
  type PutResponse,
  SelfMatch,
  TableEnd,
} from '@armilla/proto';
import type { Table } from 'apache-arrow';
import { tableOf } from '../testing/memory-table.js';
import { type Answer, receive, requestFrame, send, tableFrames } from './testing/client.js';
import {
  catalog,
  type Client,
  denseSky,
  expectedPairs,
  left,
  match,
  pairsOf,
  problemOf,
  right,
  startService,
} from './testing/served.js';

let runtime: Runtime;
let server: RunningServer;
let client: Client;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  ({ server, client } = await startService(runtime));
});
afterAll(async () => {
  client.close();
  await server.stop(0);
  await runtime.close();
});

const put = (
  on: Client,
  name: string,
  table: Table,
  options: Partial<PutOptions> = {},
  batchRowCount?: number,
): Promise<PutResponse['table']> => putFrames(on, name, tableFrames(table, 0, batchRowCount), options);
const putFrames = async (
  on: Client,
  name: string,
  frames: Iterable<Frame>,
  options: Partial<PutOptions> = {},
): Promise<PutResponse['table']> => {
  let call: ReturnType<Client['put']> | undefined;
  const response = callOnce<PutResponse>(
    (metadata, settings, callback) => (call = on.put(metadata, settings, callback)),
  );
  void (async () => {
    await writeFrame(
      call!,
      makeFrame({ metadata: PutOptions.encode(PutOptions.fromPartial({ name, ...options })).finish() }),
    );
    for (const frame of frames) await writeFrame(call!, frame);
    call!.end();
  })().catch(() => undefined);
  return (await response).table;
};
const remove = (on: Client, name: string): Promise<unknown> => callOnce((...rest) => on.deleteTable({ name }, ...rest));
const list = async (on: Client): Promise<string[]> =>
  (await callOnce<ListTablesResponse>((...rest) => on.listTables({}, ...rest))).tables.map(({ name }) => name);

test('what the sender says at the end of a table is kept with it and told, of columns that there are', async () => {
  const ended = (metadata: Uint8Array): Frame[] =>
    [...tableFrames(catalog(right), 0)].map((frame) => (frame.endOfTable ? { ...frame, metadata } : frame));
  const said = TableEnd.encode({
    misfitByColumn: { id: 3n, other: 5n, ra: -1n, toString: 9n },
    warnings: ['it was cut'],
  }).finish();
  const stored = await putFrames(client, 'misfits', ended(said));
  expect(stored).toMatchObject({ misfitByColumn: { id: 3n }, warnings: ['it was cut'] });
  const request = { options: { radiusArcsec: 12 }, rightTable: 'misfits' };
  const { detail } = await match(client, { options: {}, request, rightTable: null });
  expect(detail.right?.misfitByColumn).toEqual({ id: 3n });
  expect(detail.warnings).toEqual(['it was cut']);
  await expect(putFrames(client, 'nonsense', ended(Uint8Array.of(10, 200)))).rejects.toMatchObject({
    reason: 'REQUEST_INVALID',
  });
  await remove(client, 'misfits');
});

test('put, list, match, replace, delete', async () => {
  const stored = await put(client, 'gaia', catalog(right));
  expect(stored).toMatchObject({
    name: 'gaia',
    rowCount: 170n,
    columns: { ra: 'ra', dec: 'dec' },
    columnNames: ['id', 'ra', 'dec'],
  });
  expect(stored?.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await list(client)).toEqual(['gaia']);
  const answer = await match(client, {
    options: { columns: ['left_row', 'right_row'], order: Order.LEFT },
    request: {
      options: { radiusArcsec: 12, columns: ['left_row', 'right_row'], order: Order.LEFT },
      rightTable: 'gaia',
    },
    rightTable: null,
  });
  expect(pairsOf(answer)).toEqual(expectedPairs('nearest'));
  await expect(put(client, 'gaia', catalog(left))).rejects.toMatchObject({ reason: 'HANDLE_EXISTS' });
  await expect(put(client, 'nameless', tableOf({ x: Float64Array.of(1) }))).rejects.toMatchObject({
    reason: 'COLUMN_NOT_GUESSED',
    fields: { where: "table 'nameless'", option: 'ra' },
  });
  const replaced = await put(client, 'gaia', catalog(left), { replace: true });
  expect(replaced).toMatchObject({ rowCount: 150n });
  expect(replaced?.digest).not.toBe(stored?.digest);
  await remove(client, 'gaia');
  expect(await list(client)).toEqual([]);
  await expect(remove(client, 'gaia')).rejects.toMatchObject({ reason: 'HANDLE_NOT_FOUND' });
});

test('a stored table keeps its rows: conditions and areas come with each match', async () => {
  await expect(
    put(client, 'cut', catalog(right), { columns: PositionColumns.fromPartial({ where: 'id > 3' }) }),
  ).rejects.toMatchObject({
    reason: 'OPTIONS_CONFLICT',
  });
  await put(client, 'whole', catalog(right));
  const run = (options: Partial<MatchOptions>): Promise<Answer> => {
    const all = { radiusArcsec: 12, columns: ['left_row', 'right_row'], order: Order.LEFT, ...options };
    return match(client, { options: all, request: { options: all, rightTable: 'whole' }, rightTable: null });
  };
  const where = PositionColumns.fromPartial({ where: 'id IN (1, 7) OR id > 20' });
  const filtered = await run({ right: where, find: Find.ALL, area: 'box(0, -90, 360, 50)' });
  const kept = expectedPairs('all').filter((pair) => {
    const [l, r] = pair.split(',').map(Number);
    return (r === 1 || r === 7 || r > 20) && left.dec[l] <= 50;
  });
  expect(kept.length).toBeLessThan(expectedPairs('all').length);
  expect(pairsOf(filtered)).toEqual(kept);
  expect(pairsOf(await run({ find: Find.ALL, where: 'left.id = right.id' }))).toEqual(
    expectedPairs('all').filter((pair) => pair.split(',')[0] === pair.split(',')[1]),
  );
  for (const [options, reason] of [
    [{ area: 'cone(1)' }, 'AREA_INVALID'],
    [{ area: `moc(0/${'1 '.repeat(2 ** 19)})` }, 'AREA_INVALID'],
    [{ where: 'left.id = ' }, 'WHERE_INVALID'],
    [{ where: 'left.id = right.name' }, 'COLUMN_NOT_FOUND'],
  ] as const)
    expect(await problemOf(run(options))).toMatchObject({ reason });
  await remove(client, 'whole');
});

test('the frames of a table to keep may carry either number, but one', async () => {
  expect(await putFrames(client, 'as-right', tableFrames(catalog(right), 1))).toMatchObject({ rowCount: 170n });
  const [schema, batch, end] = [...tableFrames(catalog(right), 1)];
  for (const frames of [
    [schema, { ...batch, table: 0 }, end],
    [schema, batch, end, batch],
  ]) {
    await expect(putFrames(client, 'mixed', frames)).rejects.toMatchObject({ reason: 'STREAM_ORDER' });
  }
  expect(await list(client)).not.toContain('mixed');
  await remove(client, 'as-right');
});

test('rows sent to the match of a stored table with itself are refused', async () => {
  await put(client, 'alone', catalog(right));
  const call = client.match();
  void send(call, [
    requestFrame({ options: { radiusArcsec: 12, selfMatch: SelfMatch.PAIRS }, rightTable: 'alone' }),
    ...tableFrames(catalog(left), 0),
  ]).catch(() => undefined);
  expect((await problemOf(receive(call))).reason).toBe('STREAM_ORDER');
  await remove(client, 'alone');
});

test('the digest is of the content, not of its batches', async () => {
  const digests = new Set<string | undefined>();
  for (const batchRowCount of [1000, 7, 64])
    digests.add((await put(client, `cut-${batchRowCount}`, catalog(right), {}, batchRowCount))?.digest);
  expect(digests.size).toBe(1);
});

test.each(['', '.hidden', 'a/b', 'a b', 'x'.repeat(129)])("the name '%s' is refused", async (name) => {
  await expect(put(client, name, catalog(right))).rejects.toMatchObject({ reason: 'HANDLE_INVALID' });
});

test('over the quota is refused', async () => {
  const own = await startService(runtime, { tableQuotaBytes: 3000 });
  await expect(put(own.client, 'big', denseSky(1000))).rejects.toMatchObject({ reason: 'QUOTA_EXCEEDED' });
  expect(await list(own.client)).toEqual([]);
  own.client.close();
  await own.server.stop(0);
});

test('a table deleted while a match runs on it stays until the match ends', async () => {
  await put(client, 'used', catalog(right));
  const call = client.match();
  const frames = async function* (): AsyncGenerator<Frame> {
    yield requestFrame({
      options: { radiusArcsec: 12, order: Order.LEFT, columns: ['left_row', 'right_row'] },
      rightTable: 'used',
    });
    const [schema, ...rest] = tableFrames(catalog(left), 0, 10);
    yield schema;
    await new Promise((resolve) => setTimeout(resolve, 100));
    await remove(client, 'used');
    expect(await list(client)).not.toContain('used');
    yield* rest;
  };
  const [answer] = await Promise.all([receive(call), send(call, frames())]);
  expect(pairsOf(answer)).toEqual(expectedPairs('nearest'));
});

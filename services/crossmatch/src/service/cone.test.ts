import { callOnce, type Frame, FrameAssembler, makeFrame, readFrames, writeFrame } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { ConeSearchRequest, ConeSummary, PositionColumns, PutOptions, StreamEvent } from '@armilla/proto';
import { MessageDecoder, PROVENANCE_KEY } from '@armilla/tables';
import type { Metadata } from '@grpc/grpc-js';
import type { RecordBatch, Table } from 'apache-arrow';
import type { Readable, Writable } from 'node:stream';
import { rowsOf, tableOf } from '../testing/memory-table.js';
import { tableFrames } from './testing/client.js';
import { type Client, denseSky, problemOf, type Served, startService } from './testing/served.js';

let runtime: Runtime;
let served: Served;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  served = await startService(runtime);
  await put('field', denseSky(20_000));
  await put('moving', tableOf({ ra: [10, 10], dec: [0, 1], pmra: [3.6e7, 0], pmdec: [0, 0] }));
});
afterAll(async () => {
  served.client.close();
  await served.server.stop(0);
  await runtime.close();
});

async function put(name: string, table: Table): Promise<void> {
  const opened: { call?: Writable } = {};
  const response = callOnce((...rest) => {
    const call = served.client.put(...rest);
    opened.call = call as unknown as Writable;
    return call;
  });
  const call = opened.call as Writable;
  const options = PutOptions.encode(PutOptions.fromPartial({ name, replace: true })).finish();
  await writeFrame(call, makeFrame({ metadata: options }));
  for (const frame of tableFrames(table, 0)) await writeFrame(call, frame);
  call.end();
  await response;
}

interface ConeAnswer {
  readonly batches: RecordBatch[];
  readonly headers: Metadata | undefined;
  readonly summary: ConeSummary;
  readonly provenance: Record<string, unknown>;
}

async function cone(client: Client, request: Partial<ConeSearchRequest>): Promise<ConeAnswer> {
  const call = client.coneSearch(
    ConeSearchRequest.fromPartial({ table: 'field', raDegrees: 0.5, decDegrees: 0.5, radiusArcsec: 360, ...request }),
  );
  let headers: Metadata | undefined;
  call.on('metadata', (metadata) => (headers = metadata));
  const assembler = new FrameAssembler();
  const decoder = new MessageDecoder({ where: 'answer' });
  const batches: RecordBatch[] = [];
  let summary: ConeSummary | undefined;
  let rowCount: bigint | undefined;
  for await (const frame of readFrames<Frame>(call as unknown as Readable)) {
    if (frame.metadata) {
      const { event } = StreamEvent.decode(frame.metadata);
      if (event?.$case === 'summary') {
        summary = ConeSummary.fromJSON(JSON.parse(event.value.detailJson));
        rowCount = event.value.rowCount;
      }
    }
    const assembled = assembler.push(frame);
    const batch = assembled && decoder.decode(assembled.message);
    if (batch) batches.push(batch);
  }
  if (!summary) throw new Error('the answer ended without its summary');
  expect(rowCount).toBe(summary.rowCount);
  expect(batches.reduce((sum, { numRows }) => sum + numRows, 0)).toBe(Number(summary.rowCount));
  const text = decoder.schema?.metadata.get(PROVENANCE_KEY) ?? '{}';
  return { batches, headers, summary, provenance: JSON.parse(text) as Record<string, unknown> };
}

test('the rows of a stored table, nearest first, and what they are', async () => {
  const { batches, headers, summary, provenance } = await cone(served.client, { requestId: 'cone-1' });
  const separations = rowsOf(batches).map(({ separation_arcsec }) => separation_arcsec as number);
  expect(separations.length).toBeGreaterThan(400);
  expect(separations).toEqual(separations.toSorted((a, b) => a - b));
  expect(separations.at(-1)).toBeLessThanOrEqual(360);
  expect(summary).toMatchObject({
    requestId: 'cone-1',
    foundRowCount: summary.rowCount,
    overflow: false,
    tableRowCount: 20_000n,
    columns: { ra: 'ra', dec: 'dec' },
    guessed: true,
  });
  expect(headers?.get('armilla-overflow')).toEqual(['false']);
  expect(headers?.get('armilla-row-count')).toEqual([String(separations.length)]);
  expect(provenance).toMatchObject({
    operation: 'cone',
    options: { ra_degrees: 0.5, dec_degrees: 0.5, radius_arcsec: 360 },
    inputs: [{ name: 'table:field', row_count: 20_000, content_digest: expect.stringMatching(/^[0-9a-f]{64}$/) }],
    counts: { row_count: separations.length, overflow: false },
  });
});

test('an answer that is cut says so before its first row, in its schema and in its summary', async () => {
  const all = rowsOf((await cone(served.client, {})).batches);
  for (const rowLimit of [0n, 3n]) {
    const { batches, headers, summary, provenance } = await cone(served.client, { rowLimit });
    expect(rowsOf(batches)).toEqual(all.slice(0, Number(rowLimit)));
    expect(headers?.get('armilla-overflow')).toEqual(['true']);
    expect(headers?.get('armilla-found-row-count')).toEqual([String(all.length)]);
    expect(summary).toMatchObject({ overflow: true, foundRowCount: BigInt(all.length), rowCount: rowLimit });
    expect(provenance).toMatchObject({ counts: { overflow: true, found_row_count: all.length } });
  }
});

test('conditions, columns and epochs', async () => {
  const position = PositionColumns.fromPartial({ where: 'id < 10000' });
  const found = await cone(served.client, { position, columns: ['table_row', 'id'] });
  const rows = rowsOf(found.batches);
  expect(rows.length).toBeGreaterThan(100);
  for (const { id, table_row } of rows) expect([id, (id as number) < 10_000]).toEqual([table_row, true]);
  expect(Number(found.summary.filteredRowCount)).toBeGreaterThan(100);
  const moved = await cone(served.client, {
    table: 'moving',
    raDegrees: 19.9,
    decDegrees: 0,
    radiusArcsec: 60,
    atEpoch: 'J2001',
    position: PositionColumns.fromPartial({ epoch: 'J2000' }),
  });
  expect(rowsOf(moved.batches)).toMatchObject([{ ra: 10, dec: 0 }]);
  expect(moved.provenance).toMatchObject({
    options: { at_julian_year: 2001 },
    inputs: [{ epoch: { julian_year: 2000 }, motion: { guessed: true } }],
  });
});

test.each([
  [{ table: 'nowhere' }, 'HANDLE_NOT_FOUND'],
  [{ table: '' }, 'HANDLE_NOT_FOUND'],
  [{ radiusArcsec: 0 }, 'RADIUS_OUT_OF_RANGE'],
  [{ raDegrees: NaN }, 'OPTION_INVALID'],
  [{ decDegrees: -91 }, 'OPTION_INVALID'],
  [{ rowLimit: -1n }, 'OPTION_INVALID'],
  [{ columns: ['nope'] }, 'COLUMN_NOT_FOUND'],
  [{ requestId: 'a b' }, 'OPTION_INVALID'],
  [{ position: PositionColumns.fromPartial({ ra: 'id' }) }, 'OPTIONS_CONFLICT'],
  [{ position: PositionColumns.fromPartial({ error: 'id:mas' }) }, 'OPTIONS_CONFLICT'],
  [{ position: PositionColumns.fromPartial({ where: 'id <' }) }, 'WHERE_INVALID'],
  [{ atEpoch: 'J2020' }, 'OPTIONS_CONFLICT'],
] as const)('%j is refused with %s', async (request, reason) => {
  expect((await problemOf(cone(served.client, request as Partial<ConeSearchRequest>))).reason).toBe(reason);
  expect(served.server.admission.stats()).toMatchObject({ reservedBytes: 0, running: 0 });
});

test('a table that is deleted while it is read stays until then; a client that leaves gives everything back', async () => {
  await put('gone', denseSky(200_000));
  const call = served.client.coneSearch(
    ConeSearchRequest.fromPartial({ table: 'gone', raDegrees: 0.5, decDegrees: 0.5, radiusArcsec: 648_000 }),
  );
  const frames = readFrames<Frame>(call as unknown as Readable);
  await frames.next();
  await callOnce((...rest) => served.client.deleteTable({ name: 'gone' }, ...rest));
  expect((await problemOf(cone(served.client, { table: 'gone' }))).reason).toBe('HANDLE_NOT_FOUND');
  await frames.next();
  call.cancel();
  await frames.return(undefined).catch(() => undefined);
  while (served.server.admission.stats().running > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(served.server.admission.stats().reservedBytes).toBe(0);
});

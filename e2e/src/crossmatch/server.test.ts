import { openAsBlob } from 'node:fs';
import { connect, cutMessage, makeFrame, readFrames, type Frame } from '@armilla/chassis';
import { CrossmatchServiceService, Find, MatchRequest, StreamEvent } from '@armilla/proto';
import { MessageDecoder, MessageEncoder, openTable } from '@armilla/tables';
import { FrameAssembler } from '@armilla/chassis';
import { type ServerProcess, startServer } from '../server-process.js';
import { hipparcos, neowise, testWithData } from './real-data.js';

let server: ServerProcess;
beforeAll(async () => (server = await startServer()), 60_000);
afterAll(() => server.kill('SIGTERM'));

async function post(query: string, left: Blob, right: Blob, accept = 'text/csv'): Promise<Response> {
  const body = new FormData();
  body.append('right', right, 'right');
  body.append('left', left, 'left');
  return fetch(`${server.url}/v1/crossmatch?${query}`, { method: 'POST', body, headers: { accept } });
}

const rowsOf = async (answer: Response): Promise<string[]> => {
  expect(answer.status).toBe(200);
  return (await answer.text()).trim().split('\n').slice(1);
};

const two = new Blob(['id,ra,dec\n1,10,20\n2,10.0001,20\n']);
const headerOnly = new Blob(['id,ra,dec\n']);
const blank = new Blob(['id,ra,dec\n7,,\n8,,\n']);

test.each([
  ['left', two, headerOnly, 2],
  ['full', headerOnly, two, 2],
  ['inner', headerOnly, headerOnly, 0],
  ['full', two, blank, 4],
  ['full', blank, two, 4],
  ['inner', blank, blank, 0],
])('join %s of tables without rows or without positions', async (join, left, right, rowCount) => {
  const rows = await rowsOf(await post(`radius=1&join=${join}`, left, right));
  expect(rows.filter((row) => row !== '')).toHaveLength(rowCount);
});

test('a table without rows can be stored', async () => {
  const answer = await fetch(`${server.url}/v1/crossmatch/tables/none`, { method: 'PUT', body: headerOnly });
  expect(answer.ok).toBe(true);
  expect(await (await fetch(`${server.url}/v1/crossmatch/tables/none`)).json()).toMatchObject({ row_count: 0 });
});

testWithData(
  'Hipparcos through HTTP, every find mode',
  async () => {
    const [left, right] = [await openAsBlob(hipparcos.left), await openAsBlob(hipparcos.right)];
    const counts: [string, string, number][] = [
      ...['nearest', 'all', 'k-nearest', 'mutual', 'one-to-one'].map((find): [string, string, number] => [
        '1arcsec',
        find,
        76_062,
      ]),
      ['10arcsec', 'nearest', 82_914],
      ['60arcsec', 'all', 84_520],
      ['60arcsec', 'mutual', 82_978],
    ];
    for (const [radius, find, expected] of counts) {
      const rows = await rowsOf(await post(`radius=${radius}&find=${find}&columns=left.hip,right.hip`, left, right));
      expect({ radius, find, count: rows.length }).toEqual({ radius, find, count: expected });
    }
  },
  120_000,
);

testWithData(
  'NEOWISE through HTTP: every nearest source is the right one',
  async () => {
    const [left, right] = [await openAsBlob(neowise.left), await openAsBlob(neowise.right)];
    const rows = await rowsOf(await post('radius=3arcsec&columns=left.designation,right.designation', left, right));
    expect(rows).toHaveLength(38_700);
    expect(rows.filter((row) => row.split(',')[0] !== row.split(',')[1])).toEqual([]);
  },
  120_000,
);

testWithData(
  'Hipparcos through gRPC',
  async () => {
    const client = connect(CrossmatchServiceService, server.grpc);
    const count = async (radiusArcsec: number, find: Find): Promise<number> => {
      const call = client.match();
      const answer = readFrames<Frame>(call)[Symbol.asyncIterator]();
      const first = answer.next();
      const request = MatchRequest.fromPartial({ options: { radiusArcsec, find, columns: ['left.hip', 'right.hip'] } });
      call.write(makeFrame({ metadata: MatchRequest.encode(request).finish(), table: 1 }));
      for (const [table, path] of [
        [1, hipparcos.right],
        [0, hipparcos.left],
      ] as const) {
        const reader = await openTable(path);
        const encoder = new MessageEncoder(reader.schema);
        for (const frame of cutMessage(encoder.schemaMessage(), table)) call.write(frame);
        for await (const batch of reader.batches()) {
          for (const message of encoder.encode(batch))
            for (const frame of cutMessage(message, table)) call.write(frame);
        }
        call.write(makeFrame({ table, endOfTable: true }));
        await reader.close();
      }
      call.end();
      const assembler = new FrameAssembler();
      const decoder = new MessageDecoder();
      let rows = 0;
      let told = -1;
      for (let next = await first; !next.done; next = await answer.next()) {
        const { metadata } = next.value;
        const event = metadata && metadata.length > 0 ? StreamEvent.decode(metadata).event : undefined;
        if (event?.$case === 'summary') told = Number(event.value.rowCount);
        const whole = assembler.push(next.value);
        rows += (whole && decoder.decode(whole.message)?.numRows) ?? 0;
      }
      expect(told).toBe(rows);
      return rows;
    };
    expect(await count(0.5, Find.NEAREST)).toBe(66_005);
    expect(await count(10, Find.ALL)).toBe(82_925);
    expect(await count(60, Find.NEAREST)).toBe(83_635);
    client.close();
  },
  120_000,
);

test('a server killed in mid-stream is no success, and a retry elsewhere gives the same bytes', async () => {
  const random = (seed: number): string => {
    const lines = ['id,ra,dec'];
    let state = seed;
    for (let i = 0; i < 60_000; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const ra = (state % 100_000) / 1e5;
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      lines.push(`${i},${10 + ra},${(state % 100_000) / 1e5}`);
    }
    return `${lines.join('\n')}\n`;
  };
  const [left, right] = [new Blob([random(1)]), new Blob([random(2)])];
  const query = 'radius=60arcsec&find=all&order=left&columns=left.id,right.id,separation_arcsec';
  const whole = Buffer.from(await (await post(query, left, right)).arrayBuffer());
  const victim = await startServer();
  const body = new FormData();
  body.append('right', right, 'right');
  body.append('left', left, 'left');
  const answer = await fetch(`${victim.url}/v1/crossmatch?${query}`, {
    method: 'POST',
    body,
    headers: { accept: 'text/csv' },
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await victim.kill('SIGKILL');
  await expect(
    (async () => {
      for (;;) if ((await reader.read()).done) return;
    })(),
  ).rejects.toThrow();
  const again = Buffer.from(await (await post(query, left, right)).arrayBuffer());
  expect(again.equals(whole)).toBe(true);
}, 120_000);

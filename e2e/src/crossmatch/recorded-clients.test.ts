import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { type ServerProcess, startServer } from '../server-process.js';
import { dataFolder, hipparcos, testWithData } from './real-data.js';

/** A request as a client sent it: the file keeps heads by lines and bodies as they were, without their chunks. */
interface Recorded {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

function recorded(name: string): Recorded[] {
  const text = readFileSync(join(dataFolder ?? '', 'clients', name), 'latin1');
  return text
    .split(/^>>> /m)
    .slice(1)
    .map((block) => {
      const [, head, body] = /^([\s\S]*?)\n\n([\s\S]*?)\n<<<(?:\n|$)/.exec(block) as unknown as [
        string,
        string,
        string,
      ];
      const [line, ...headers] = head.split('\n');
      const [method, target] = line.split(' ');
      return { method, target, headers, body: Buffer.from(body, 'latin1') };
    });
}

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

/** Sends a recorded request to `target` instead, its other lines as they are, in chunks where it says so. */
async function replay({ method, headers, body }: Recorded, target: string): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  const lines = headers.map((line) =>
    /^host:/i.test(line) ? `Host: ${hostname}:${port}` : /^connection:/i.test(line) ? 'Connection: close' : line,
  );
  const socket = connect(Number(port), hostname);
  socket.write(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  if (lines.some((line) => /^transfer-encoding: chunked/i.test(line))) {
    // In pieces that cut through boundaries and header lines.
    for (let at = 0; at < body.length; at += 97) {
      const piece = body.subarray(at, at + 97);
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write('\r\n');
    }
    socket.write('0\r\n\r\n');
  } else socket.write(body);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const at = all.indexOf('\r\n\r\n');
  const head = all.subarray(0, at).toString('latin1');
  return { status: Number(head.slice(9, 12)), head, body: all.subarray(at + 4) };
}

const problemOf = ({ head, body }: Answer): Record<string, unknown> => {
  expect(head).toMatch(/^content-type: application\/problem\+json/m);
  return JSON.parse(body.toString()) as Record<string, unknown>;
};

let server: ServerProcess;
beforeAll(async () => {
  server = await startServer(...(dataFolder ? ['--table', `hip=${hipparcos.left}`] : []));
}, 60_000);
afterAll(() => server.kill('SIGTERM'));

const FILES = ['astroquery_xmatch.txt', 'cone_and_tap.txt', 'pyvo_tap.txt', 'stilts_cdsskymatch.txt'];

testWithData('cone searches of pyvo and STILTS find their stars', async () => {
  const cones = recorded('cone_and_tap.txt').filter(({ target }) => target.includes('/scs.xml?'));
  expect(cones).toHaveLength(4);
  const brightest: unknown[] = [];
  for (const cone of cones) {
    const [, query] = cone.target.split('?');
    const answer = await replay(cone, `/v1/crossmatch/cone?table=hip&${query}`);
    expect(answer.status).toBe(200);
    expect(answer.head).toMatch(/^armilla-overflow: false/m);
    const table = tableFromIPC(answer.body);
    const separations = Array.from({ length: table.numRows }, (_, i) => table.getChild('separation_arcsec')?.get(i));
    for (const separation of separations) expect(separation).toBeLessThanOrEqual(1800);
    brightest.push(Number(table.getChild('hip')?.get(0)));
    const csv = await replay(cone, `/v1/crossmatch/cone?table=hip&${query}&RESPONSEFORMAT=text/csv&MAXREC=1`);
    expect(csv.body.toString().split('\n')[0]).toBe('hip,ra,dec,plx,hpmag,bv,vi,separation_arcsec');
    const votable = await replay(cone, `/v1/crossmatch/cone?table=hip&${query}&RESPONSEFORMAT=votable`);
    expect([votable.status, problemOf(votable).reason]).toEqual([406, 'FORMAT_NOT_WRITABLE']);
  }
  // Vega, Sirius, Vega again, and what is nearest to (10, 89.5).
  expect(brightest).toEqual([91_262, 32_349, 91_262, expect.any(Number)]);
});

testWithData('what is not served here is refused with what is: nothing hangs, whatever the body', async () => {
  let bodies = 0;
  for (const request of FILES.flatMap(recorded)) {
    if (request.body.length > 0) bodies++;
    const answer = await replay(request, request.target);
    expect({ target: request.target, status: answer.status }).toEqual({ target: request.target, status: 404 });
    expect(problemOf(answer)).toMatchObject({
      reason: 'ROUTE_NOT_FOUND',
      detail: expect.stringMatching(/\/v1\/crossmatch\/cone/),
      fields: { path: request.target.split('?')[0] },
    });
  }
  expect(bodies).toBeGreaterThan(10);
});

testWithData(
  'forms of foreign clients are read as forms, quoted boundaries included: their options are named',
  async () => {
    const forms = FILES.flatMap(recorded).filter(({ headers }) =>
      headers.some((line) => /multipart\/form-data/.test(line)),
    );
    expect(forms.filter(({ headers }) => headers.some((line) => /boundary="<<</.test(line))).length).toBeGreaterThan(5);
    for (const form of forms) {
      const names = [...form.body.toString('latin1').matchAll(/form-data; name="([^"]+)"/g)].map(([, name]) => name);
      const answer = await replay(form, '/v1/crossmatch?radius=1&right=hip');
      expect(answer.status).toBe(400);
      const { errors, reason } = problemOf(answer) as { reason: string; errors?: { field: string }[] };
      expect(reason).toMatch(/^(REQUEST_INVALID|OPTION_UNKNOWN)$/);
      expect(names).toEqual(expect.arrayContaining((errors ?? []).map(({ field }) => field)));
      expect(errors?.length).toBeGreaterThan(2);
    }
  },
);

testWithData('forms in the address are no table', async () => {
  const forms = FILES.flatMap(recorded).filter(({ headers }) =>
    headers.some((line) => /x-www-form-urlencoded/.test(line)),
  );
  expect(forms.length).toBeGreaterThan(2);
  for (const form of forms) {
    const answer = await replay(form, '/v1/crossmatch?radius=1&right=hip');
    expect([answer.status, problemOf(answer).reason]).toEqual([400, 'COLUMN_NOT_GUESSED']);
  }
});

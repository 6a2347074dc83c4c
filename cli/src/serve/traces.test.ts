import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Random } from '@armilla/base';
import { startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

test('a trace of a match holds the call and the phases of its kernels that took a millisecond or more', async () => {
  let traces = '';
  const receiver = createServer((request, response) => {
    void buffer(request).then((body) => {
      if (request.url === '/v1/traces') traces += body.toString('latin1');
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const child = startCli(['serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error'], {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      XDG_STATE_HOME: folder.path,
    },
  });
  try {
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const url = await new Promise<string>((resolve, reject) => {
      child.stdout
        .setEncoding('utf8')
        .on('data', (line: string) => resolve(/http:\/\/[\d.:]+/.exec(line)?.[0] ?? line));
      void ended.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
    });
    const random = new Random(5);
    const rows = Array.from({ length: 200_000 }, (_, id) => `${id},${360 * random.uniform()},${60 * random.uniform()}`);
    const stars = new Blob([['id,ra,dec', ...rows].join('\n')]);
    const form = new FormData();
    form.append('right', stars, 'right.csv');
    form.append('left', stars, 'left.csv');
    const answer = await fetch(`${url}/v1/crossmatch?radius=30arcsec&find=all`, { method: 'POST', body: form });
    expect(answer.status).toBe(200);
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(1e6);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    // OTLP as protobuf: names are there as they are.
    expect(traces).toContain('crossmatch.match');
    expect(traces).toContain('armilla.profile');
    expect(traces).toMatch(/join\.\w+/);
  } finally {
    child.kill('SIGKILL');
    receiver.close();
  }
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import { runCli, temporaryFolder } from '../testing/run-cli.js';
import { hasSoftwareGpu } from '../testing/software-gpu.js';
import { startServer } from './server.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Decision {
  readonly operation: string;
  readonly chosen: string;
  readonly reason: string;
  readonly deadline_ms?: number;
  readonly refused: readonly object[];
}

const onSoftwareGpu = hasSoftwareGpu ? test : test.skip;

onSoftwareGpu(
  'a match that the router sends to a device gives the bytes of the CPU, and its decisions are listed',
  async () => {
    const random = new Random(9);
    const sky = (count: number): string =>
      [
        'id,ra,dec',
        ...Array.from({ length: count }, (_, id) => `${id},${random.uniform()},${89 + random.uniform()}`),
      ].join('\n');
    const files = { left: join(folder.path, 'left.csv'), right: join(folder.path, 'right.csv') };
    writeFileSync(files.left, sky(1000));
    writeFileSync(files.right, sky(1500));
    const flags = {
      httpAddress: '127.0.0.1:0',
      grpcAddress: '127.0.0.1:0',
      logLevel: 'silent',
      gpuDevices: 'swiftshader',
      gpuShare: '0.25',
      route: 'sky.join=webgpu:0',
      stateDirectory: join(folder.path, 'state'),
    };
    const config = loadConfig({ flags });
    await using server = await startServer({ config });
    for (const find of ['nearest', 'all', 'mutual', 'k-nearest']) {
      const options = ['--radius', '60arcsec', '--find', find, '--order', 'left', '--join', 'left', '--quiet'];
      const more = find === 'k-nearest' ? ['-k', '3'] : [];
      const here = await runCli(['crossmatch', files.left, files.right, ...options, ...more]);
      expect(here.stdout.split('\n').length).toBeGreaterThan(1000);
      const there = await runCli([
        'crossmatch',
        files.left,
        files.right,
        ...options,
        ...more,
        '--server',
        server.url as string,
      ]);
      expect({ find, ...there }).toEqual({ find, ...here });
    }
    const listed = async () => {
      const response = await fetch(`${server.url}/v1/runtime/decisions`);
      return ((await response.json()) as { decisions: Decision[] }).decisions;
    };
    const decisions = await listed();
    expect(decisions.length).toBeGreaterThanOrEqual(4);
    for (const one of decisions)
      expect(one).toMatchObject({ operation: 'sky.join', chosen: 'webgpu:0', reason: 'override-config' });

    // A request says otherwise than the configuration.
    const match = async (device: string): Promise<Response> => {
      const body = new FormData();
      body.append('right', new Blob([readFileSync(files.right)]), 'right.csv');
      body.append('left', new Blob([readFileSync(files.left)]), 'left.csv');
      return await fetch(`${server.url}/v1/crossmatch?radius=60arcsec&format=csv&device=${device}`, {
        method: 'POST',
        body,
      });
    };
    expect((await match('wasm')).status).toBe(200);
    expect((await listed())[0]).toMatchObject({
      operation: 'sky.join',
      reason: 'override-request',
      chosen: expect.stringMatching(/^wasm:/),
    });
    // The deadline of the call is that of the decision.
    for (const one of await listed()) {
      expect(one.deadline_ms).toBeGreaterThan(0);
      expect(one.deadline_ms).toBeLessThanOrEqual(1000 * config.defaultDeadlineSeconds);
    }
    const refused = await match('abacus');
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('abacus');
  },
);

test('a match on a server without a GPU leaves a decision too; a request may ask for fewer workers', async () => {
  const table = 'id,ra,dec\n1,10,20\n2,30,40\n';
  const flags = {
    httpAddress: '127.0.0.1:0',
    grpcAddress: '127.0.0.1:0',
    logLevel: 'silent',
    gpuDevices: 'none',
    workerCount: '2',
    stateDirectory: join(folder.path, 'state-cpu'),
  };
  await using server = await startServer({ config: loadConfig({ flags }) });
  const match = async (more: string): Promise<Decision> => {
    const body = new FormData();
    body.append('right', new Blob([table]), 'right.csv');
    body.append('left', new Blob([table]), 'left.csv');
    const answer = await fetch(`${server.url}/v1/crossmatch?radius=1&format=csv${more}`, { method: 'POST', body });
    expect((await answer.text()).split('\n')).toHaveLength(4);
    const listed = await fetch(`${server.url}/v1/runtime/decisions`);
    return ((await listed.json()) as { decisions: Decision[] }).decisions[0];
  };
  const decision = await match('');
  expect(decision).toMatchObject({ operation: 'sky.join', chosen: 'wasm:2', reason: 'only-device' });
  expect(decision.refused).toContainEqual({
    device: 'wasm:1',
    reason: 'rule-only',
    detail: 'joins share all workers among them',
  });
  expect(await match('&device=wasm:1')).toMatchObject({ chosen: 'wasm:1', reason: 'override-request' });
});

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliResult, runCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let count = 0;

/** Runs `armilla router` with two workers, without GPU, and with a state of its own. */
function runner(env: Record<string, string> = {}) {
  const state = join(folder.path, `state-${++count}`);
  const variables = { ARMILLA_STATE_DIRECTORY: state, ARMILLA_WORKER_COUNT: '2', ARMILLA_GPU_DEVICES: 'none', ...env };
  return {
    files: (): string[] => (existsSync(state) ? readdirSync(join(state, 'router')) : []),
    router: (...args: string[]): Promise<CliResult> => runCli(['router', ...args], { env: variables }),
  };
}

interface Explained {
  readonly chosen: string;
  readonly reason: string;
  readonly predictions: readonly { readonly device: string; readonly source: string; readonly total_ms: number }[];
  readonly refused: readonly { readonly device: string; readonly reason: string }[];
}

async function explained(result: Promise<CliResult>): Promise<Explained> {
  const { code, stdout, stderr } = await result;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Explained;
}

test('without any measurement the router explains by priors, and measures nothing', async () => {
  const { router, files } = runner();
  const { code, stdout, stderr } = await router('explain', 'gpu.matmul', '1024');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^size 1024: edge of square matrices\ngpu\.matmul f32, work 2\.15e\+9: (\S+)\n/);
  expect(stdout).toMatch(/^ {2}\* \S+ .* prior$/m);
  const { predictions } = await explained(router('explain', 'gpu.matmul', '1024', '--json'));
  expect(predictions.map(({ device }) => device).slice(0, 3)).toEqual(['typescript', 'wasm:1', 'wasm:2']);
  expect(predictions.every(({ source, total_ms }) => source === 'prior' && total_ms > 0)).toBe(true);
  expect((await router('show')).stdout).toContain('armilla router calibrate');
  expect(files()).toEqual([]);
});

test('a calibration of some is stored for the next one, and is of these alone', async () => {
  const { router, files } = runner();
  const picked = ['--operation', 'gpu.xor', '--operation', 'gpu.sum', '--device', 'wasm:1', '--device', 'typescript'];
  const { code, stdout, stderr } = await router('calibrate', '--json', ...picked);
  expect(code).toBe(0);
  expect(stderr).toContain('not measured: webgpu: none is wanted (gpu_devices)');
  const { file, rows } = JSON.parse(stdout) as { file: string; rows: { device: string; operation: string }[] };
  expect([file]).toEqual(files().map((name) => expect.stringContaining(name)));
  expect(new Set(rows.map(({ device }) => device))).toEqual(new Set(['typescript', 'wasm:1']));
  expect(new Set(rows.map(({ operation }) => operation))).toEqual(new Set(['gpu.xor', 'gpu.sum']));

  const { predictions } = await explained(router('explain', 'gpu.xor', '1000000', '--json'));
  expect(Object.fromEntries(predictions.map(({ device, source }) => [device, source]))).toEqual({
    typescript: 'calibrated',
    'wasm:1': 'calibrated',
    'wasm:2': 'prior',
  });
  const shown = await router('show');
  expect(shown.stdout).toMatch(/^gpu\.xor u8 /m);
  expect(shown.stdout).not.toContain('gpu.matmul');
  const view = JSON.parse((await router('show', '--json')).stdout) as { operations: { operation: string }[] };
  expect(view.operations.map(({ operation }) => operation).sort()).toEqual(['gpu.sum', 'gpu.sum', 'gpu.xor']);

  writeFileSync(file, '{"half":');
  const told = `calibration ignored: ${file}: corrupted: `;
  const again = await router('explain', 'gpu.xor', '1000000', '--json');
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining(told) });
  const { predictions: untaught } = JSON.parse(again.stdout) as Explained;
  expect(untaught.every(({ source }) => source === 'prior')).toBe(true);
  for (const args of [
    ['show', '--json'],
    ['calibrate', '--device', 'typescript', '--operation', 'gpu.xor'],
  ])
    expect(await router(...args)).toMatchObject({ code: 0, stderr: expect.stringContaining(told) });
  // It was measured and stored anew.
  expect(await router('explain', 'gpu.xor', '1000')).toMatchObject({ code: 0, stderr: '' });
});

test('rules of environment and configuration are told apart', async () => {
  const file = join(folder.path, 'route.json');
  writeFileSync(file, JSON.stringify({ route: 'gpu.matmul=wasm:1' }));
  const ask = ['explain', 'gpu.matmul', '64', '--json'];
  const byConfig = await explained(runner({ ARMILLA_CONFIG: file }).router(...ask));
  expect(byConfig).toMatchObject({ chosen: 'wasm:1', reason: 'override-config' });
  const both = { ARMILLA_CONFIG: file, ARMILLA_ROUTE: '*=typescript' };
  expect(await explained(runner(both).router(...ask))).toMatchObject({
    chosen: 'typescript',
    reason: 'override-environment',
    refused: expect.arrayContaining([{ device: 'wasm:1', reason: 'overridden' }]),
  });
  expect(await runner({ ARMILLA_ROUTE: 'gpu.matmul=abacus' }).router(...ask)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/abacus.*CONFIG_INVALID/s),
  });
});

test.each([
  [['explain', 'gpu.nothing', '8'], 'OPERATION_UNKNOWN'],
  [['explain', 'gpu.matmul', '0'], 'OPTION_INVALID'],
  [['explain', 'gpu.matmul', '1.5'], 'OPTION_INVALID'],
  [['explain', 'gpu.matmul', '99999999999'], 'OPTION_INVALID'],
  [['explain', 'gpu.matmul', '8', '--dtype', 'u8'], 'OPTION_INVALID'],
  [['calibrate', '--device', 'abacus'], 'OPTION_INVALID'],
  [['calibrate', '--operation', 'gpu.nothing'], 'OPERATION_UNKNOWN'],
  [['explain', 'gpu.matmul'], 'missing required argument'],
  [['explian'], 'Did you mean explain?'],
])('armilla router %j is refused', async (args, words) => {
  const { router, files } = runner();
  expect(await router(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(words) });
  expect(files()).toEqual([]);
});

test('a server that is not there is said', async () => {
  for (const args of [['show'], ['explain', 'gpu.matmul', '8']])
    expect(await runner().router(...args, '--server', 'http://127.0.0.1:9')).toMatchObject({
      code: 69,
      stderr: expect.stringContaining('SERVER_UNAVAILABLE'),
    });
});

test('what cannot be stored is said with the file, and is no bug', async () => {
  const file = join(folder.path, 'no folder');
  writeFileSync(file, '');
  const { router } = runner({ ARMILLA_STATE_DIRECTORY: file });
  const result = await router('calibrate', '--device', 'typescript', '--operation', 'gpu.xor');
  expect(result).toMatchObject({ code: 74, stderr: expect.stringMatching(/no folder.*OUTPUT_WRITE_FAILED/) });
});

test('devices without a backend of an operation are in no table and win no size', async () => {
  const { router } = runner();
  await router('calibrate', '--device', 'typescript', '--operation', 'gpu.xor');
  const view = JSON.parse((await router('show', '--json')).stdout) as {
    operations: { models: { device: string }[]; crossover_host: { device: string }[] }[];
  };
  const [{ models, crossover_host }] = view.operations;
  const able = ['typescript', 'wasm:1', 'wasm:2'];
  expect(models.map(({ device }) => device)).toEqual(able);
  for (const { device } of crossover_host) expect(able).toContain(device);
});

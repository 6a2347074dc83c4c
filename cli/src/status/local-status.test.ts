import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Claim, discover } from '@armilla/gpu-core';
import { runCli, temporaryFolder } from '../testing/run-cli.js';
import { hasSoftwareGpu } from '../testing/software-gpu.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const env = { ARMILLA_STATE_DIRECTORY: join(folder.path, 'state'), ARMILLA_WORKER_COUNT: '2' };

test('without a server the devices of this machine are told, and those that are not there with the reason', async () => {
  const { code, stdout, stderr } = await runCli(['status', '--local'], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^2 workers; memory .*\ndevices\n {2}typescript: .*\n {2}wasm:1: .*\n {2}wasm:2: /);
  expect(stdout).toMatch(/^not there\n/m);
  expect(stdout).toMatch(/^ {2}kmamal: .*not installed/m);
  expect(stdout).toContain('router: not measured on typescript, wasm:1, wasm:2');
});

test('none is looked for where none is wanted', async () => {
  const { stdout } = await runCli(['status', '--local', '--json'], { env: { ...env, ARMILLA_GPU_DEVICES: 'none' } });
  const { devices, worker_count } = JSON.parse(stdout) as {
    devices: { kind: string; absent_reason?: string }[];
    worker_count: number;
  };
  expect(worker_count).toBe(2);
  expect(devices.filter(({ kind }) => kind === 'webgpu')).toMatchObject([
    { absent_reason: expect.stringContaining('gpu_devices') },
  ]);
});

(hasSoftwareGpu ? test : test.skip)('an adapter is looked at with its limits and features, and not taken', async () => {
  const [{ name }] = (await discover()).flatMap(({ adapters }) => adapters);
  const auto = await runCli(['status', '--local'], { env });
  expect(auto.stdout).toMatch(
    /not there\n {2}webgpu SwiftShader.*by name only\n.*\n {4}limits: buffer .*\n {4}features: /,
  );
  const named = { ...env, ARMILLA_GPU_DEVICES: 'swiftshader,voodoo' };
  using _claim = (await Claim.take(name, { share: 0.01 })) as Claim;
  const { stdout } = await runCli(['status', '--local', '--json'], { env: named });
  const { devices } = JSON.parse(stdout) as { devices: { id?: string; name: string }[] };
  expect(devices.find(({ id }) => id === 'webgpu:0')).toMatchObject({
    name,
    software: true,
    owner: expect.stringContaining(`process ${process.pid} `),
    features: expect.arrayContaining(['timestamp-query']),
    limits: { max_storage_buffers: expect.any(Number) },
  });
  expect(devices.find((one) => one.name === 'voodoo')).toMatchObject({
    absent_reason: expect.stringContaining('SwiftShader'),
  });
});

test('a calibration that was ignored is told apart from the answer', async () => {
  const quiet = { ...env, ARMILLA_GPU_DEVICES: 'none', ARMILLA_STATE_DIRECTORY: join(folder.path, 'damaged') };
  const { stdout } = await runCli(['status', '--local', '--json'], { env: quiet });
  const { file } = (JSON.parse(stdout) as { router: { file: string } }).router;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '');
  expect(await runCli(['status', '--local', '--json'], { env: quiet })).toEqual({
    code: 0,
    stdout,
    stderr: expect.stringMatching(/^calibration ignored: .*\.json: corrupted: .*\n$/),
  });
});

test('of a server and of this machine only one can be asked; a bad setting is said', async () => {
  expect(await runCli(['status', '--local', '--server', 'http://127.0.0.1:9'])).toMatchObject({ code: 2 });
  expect(await runCli(['status', '--local'], { env: { ...env, ARMILLA_GPU_DEVICES: 'a,,b' } })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('CONFIG_INVALID'),
  });
});

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { discover } from '@armilla/gpu-core';
import { runCli, temporaryFolder } from '../testing/run-cli.js';
import { hasSoftwareGpu } from '../testing/software-gpu.js';
import type { Check } from './check.js';
import { diskCheck, nodeCheck } from './machine-checks.js';

test('every kernel agrees with its reference, and every fault names its fix', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const env = { ARMILLA_GRPC_ADDRESS: '127.0.0.1:0', ARMILLA_HTTP_ADDRESS: `127.0.0.1:${port}` };
  const { code, stdout } = await runCli(['doctor', '--json'], { env });
  taken.close();
  const checks = JSON.parse(stdout) as Check[];
  expect(checks.filter(({ name }) => name.startsWith('kernel')).length).toBeGreaterThan(0);
  expect(checks.filter(({ name, ok }) => name.startsWith('kernel') && !ok)).toEqual([]);
  expect(checks.find(({ name }) => name === `address 127.0.0.1:${port}`)).toMatchObject({
    ok: false,
    seen: 'in use',
    fix: expect.stringContaining('--listen'),
  });
  expect(checks.filter(({ ok, fix }) => !ok && fix === undefined)).toEqual([]);
  expect(code).toBe(69);
  expect((await runCli(['doctor'], { env })).stdout).toMatch(/^ok {3}Node\.js/);
});

(hasSoftwareGpu ? test : test.skip)('a selected GPU that gives no device, and a name of none, are faults', async () => {
  const folder = temporaryFolder();
  const standIn = join(folder.path, 'refusing.cjs');
  const [{ file, adapters }] = await discover();
  writeFileSync(
    standIn,
    `const real = require(${JSON.stringify(file)});
     module.exports = { globals: real.globals, create(flags) {
       const gpu = real.create(flags);
       const requestAdapter = gpu.requestAdapter.bind(gpu);
       gpu.requestAdapter = async (options) => {
         const adapter = await requestAdapter(options);
         adapter.requestDevice = () => Promise.reject(new Error('the card has fallen off the bus'));
         return adapter;
       };
       return gpu;
     } };`,
  );
  const env = { ARMILLA_DAWN_NODE: standIn, ARMILLA_GPU_DEVICES: 'swiftshader,voodoo', ARMILLA_GPU_SHARE: '0.01' };
  const { code, stdout } = await runCli(['doctor', '--json'], { env });
  folder.remove();
  expect(code).toBe(69);
  const named = (name: string): Check[] => (JSON.parse(stdout) as Check[]).filter((check) => check.name.endsWith(name));
  expect(named(adapters[0].name)).toEqual([
    {
      name: `GPU ${adapters[0].name}`,
      ok: false,
      seen: expect.stringContaining('fallen off the bus'),
      fix: expect.stringContaining('driver'),
    },
  ]);
  expect(named('voodoo')).toEqual([
    { name: 'GPU voodoo', ok: false, seen: expect.stringContaining(adapters[0].name), fix: expect.any(String) },
  ]);
});

test('old versions and missing folders are found', async () => {
  expect(nodeCheck('18.20.0')).toMatchObject({ ok: false, fix: expect.stringContaining('20.19') });
  expect(nodeCheck('20.18.9').ok).toBe(false);
  expect(nodeCheck('24.0.0').ok).toBe(true);
  expect(await diskCheck('/no/such/folder')).toMatchObject({ ok: false, fix: expect.stringContaining('TMPDIR') });
});

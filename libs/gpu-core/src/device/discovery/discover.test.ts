import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDawn } from '../../testing/on-dawn.js';
import { discover } from './discover.js';
import { type CardTraces, usualFaults } from './usual-faults.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-discover-'))));
afterAll(() => rmSync(folder, { recursive: true }));

onDawn('adapters are described, and a provider that is not installed says so', async () => {
  const [webgpu, kmamal] = await discover();
  expect(webgpu).toMatchObject({ provider: 'webgpu', file: expect.stringContaining('dawn.node') });
  expect(webgpu.adapters).toContainEqual(
    expect.objectContaining({ name: expect.stringContaining('SwiftShader'), software: true, count: 1 }),
  );
  expect(webgpu.adapters[0].limits.maxBufferBytes).toBeGreaterThanOrEqual(2 ** 28);
  expect(kmamal).toMatchObject({ adapters: [], reason: expect.stringContaining('@kmamal/gpu is not installed') });
});

onDawn('without a Vulkan driver the reason is told', async () => {
  const [webgpu] = await discover({ ...process.env, VK_ICD_FILENAMES: '/none', VK_DRIVER_FILES: '/none' });
  expect(webgpu).toMatchObject({ adapters: [], reason: expect.stringContaining('Vulkan') });
});

test('a driver that ends the process is a reason', async () => {
  const file = join(folder, 'broken.cjs');
  writeFileSync(file, 'process.kill(process.pid, "SIGSEGV"); while (true);');
  const [webgpu, kmamal] = await discover({ ...process.env, ARMILLA_DAWN_NODE: file });
  expect(webgpu).toMatchObject({ adapters: [], reason: expect.stringContaining('SIGSEGV') });
  expect(kmamal).toMatchObject({ provider: 'kmamal', reason: expect.stringContaining('not installed') });
});

test('what a driver prints is no part of the answer, and no answer is a reason', async () => {
  const chatty = join(folder, 'chatty.cjs');
  writeFileSync(
    chatty,
    'process.stdout.write("MESA: warning"); module.exports = { create() { throw new Error("no card"); } };',
  );
  const [webgpu] = await discover({ ...process.env, ARMILLA_DAWN_NODE: chatty });
  expect(webgpu).toMatchObject({ adapters: [], file: chatty, reason: 'no card' });
  const silent = join(folder, 'silent.cjs');
  writeFileSync(silent, 'console.log("[]"); process.exit(0);');
  const [none] = await discover({ ...process.env, ARMILLA_DAWN_NODE: silent });
  expect(none).toMatchObject({ adapters: [], reason: expect.stringContaining('without an answer (exit code 0)') });
});

onDawn('the provider that the environment names comes first; another name is a reason', async () => {
  const [{ file }] = await discover();
  const standIn = join(folder, 'kmamal.cjs');
  writeFileSync(standIn, `module.exports = require(${JSON.stringify(file)});`);
  const env = { ...process.env, ARMILLA_GPU_PROVIDER: 'kmamal', ARMILLA_DAWN_NODE: standIn };
  const [kmamal, webgpu] = await discover(env);
  expect(kmamal).toMatchObject({ provider: 'kmamal', file: standIn, adapters: [{ software: true }] });
  expect(webgpu).toMatchObject({ provider: 'webgpu', file });
  expect(await discover({ ...process.env, ARMILLA_GPU_PROVIDER: 'cuda' })).toMatchObject([
    { provider: 'cuda', adapters: [], reason: expect.stringContaining('ARMILLA_GPU_PROVIDER') },
    { provider: 'webgpu', adapters: [{ software: true }] },
    { provider: 'kmamal', adapters: [] },
  ]);
});

/** A provider whose entry points do as `request` says ("throw new Error()"); `flag` has the name of the adapter that is asked for. */
function standIn(name: string, request: string): Record<string, string | undefined> {
  const file = join(folder, name);
  const entry = `{ requestAdapter: async () => { ${request} } }`;
  writeFileSync(file, `module.exports = { create: ([flag]) => (${entry}) };`);
  return { ...process.env, ARMILLA_DAWN_NODE: file };
}

test.each([
  ['throws', 'throw new Error("the card is asleep");', 'the card is asleep'],
  ['throws no error', 'throw "a word";', 'a word'],
  ['gives nothing', 'return null;', 'no Vulkan driver answers'],
  ['lists nothing', 'throw new Error("no suitable backends found\\nAvailable adapters:");', 'no Vulkan driver answers'],
  ['never answers', 'return new Promise(() => undefined);', 'never answered'],
  [
    'lists and does not give',
    `if (flag.includes('@')) throw new Error("Available adapters:\\n * name: 'Card'"); throw new Error("it is lost");`,
    'lists Card and does not give it: it is lost',
  ],
])('a driver that %s: the reason is told, and the other provider is listed', async (name, request, reason) => {
  const [webgpu, kmamal] = await discover(standIn(`${name}.cjs`, request));
  expect(webgpu).toMatchObject({ provider: 'webgpu', adapters: [], reason: expect.stringContaining(reason) });
  expect(webgpu.faulty ?? false).toBe(!reason.startsWith('no Vulkan'));
  expect(kmamal).toMatchObject({ provider: 'kmamal', reason: expect.stringContaining('not installed') });
});

const NOTHING: CardTraces = { nvidiaDriver: false, renderNodes: [], vulkanDrivers: [] };
const report = (vendor: string, software: boolean, count = 1) => [
  {
    provider: 'webgpu' as const,
    adapters: [
      {
        name: 'card',
        vendor,
        architecture: '',
        description: '',
        software,
        count,
        features: [],
        limits: {
          maxBufferBytes: 1,
          maxStorageBindingBytes: 1,
          maxUniformBindingBytes: 1,
          maxWorkgroupsPerDimension: 1,
          maxInvocationsPerWorkgroup: 1,
          maxWorkgroupStorageBytes: 1,
          maxStorageBuffers: 1,
        },
      },
    ],
  },
];

test('the usual faults are named with what to do', () => {
  expect(usualFaults([], NOTHING)).toEqual([]);
  expect(usualFaults(report('nvidia', false), { ...NOTHING, nvidiaDriver: true })).toEqual([]);
  const [nvidia] = usualFaults(report('google', true), { ...NOTHING, nvidiaDriver: true });
  expect(nvidia.fix).toContain('NVIDIA_DRIVER_CAPABILITIES');
  const node = { path: '/dev/dri/renderD128', allowed: false };
  const [denied] = usualFaults([], { ...NOTHING, renderNodes: [node] });
  expect(denied).toMatchObject({ seen: expect.stringContaining(node.path), fix: expect.stringContaining('group') });
  const [driver] = usualFaults(report('google', true), { ...NOTHING, renderNodes: [{ ...node, allowed: true }] });
  expect(driver.fix).toContain('mesa-vulkan-drivers');
  expect(usualFaults(report('amd', false), { ...NOTHING, renderNodes: [{ ...node, allowed: true }] })).toEqual([]);
  const [same] = usualFaults(report('nvidia', false, 4), NOTHING);
  expect(same.seen).toContain('4 cards');
});

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CalibrationStore, defaultFolder } from './calibration-store.js';
import { type HardwareKey, hardwareKey, hashKernels } from './hardware-key.js';
import { Router } from './router.js';
import type { StoredModels } from './stored-models.js';

const KEY: HardwareKey = {
  devices: ['wasm:2', 'Some Card, driver 1.0'],
  cpuModel: 'Some CPU',
  coreCount: 2,
  nodeVersion: 'v20.0.0',
  kernelHash: 'abc',
};
const MODELS: StoredModels = [
  {
    operation: 'gpu.xor',
    dtype: 'u8',
    devices: {
      'wasm:2': { launchMs: 0.1, msPerWork: 1e-6, msPerByte: 0, samples: 9, sigma: 0.1, buckets: [[10, 1.5]] },
    },
  },
];

/** Processes of their own run the built library. */
const built = new URL('../../dist/router/calibration-store.js', import.meta.url).href;

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-router-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const reasonOf = async (store: CalibrationStore): Promise<string> => {
  const loaded = await store.load();
  return loaded.models === undefined ? loaded.reason : 'loaded';
};

test('what was saved is loaded by the next process and decides as before', async () => {
  const store = new CalibrationStore(KEY, join(folder, 'not', 'there', 'yet'));
  expect(await reasonOf(store)).toMatch(/nothing stored yet/);
  expect(await store.load()).toMatchObject({ missing: true });
  await store.save(MODELS);
  expect(await new CalibrationStore(KEY, join(folder, 'not', 'there', 'yet')).load()).toEqual({
    models: MODELS,
    tuning: {},
  });
  const tuning = { 'webgpu:0': { threads: 8 } };
  await store.save(MODELS, tuning);
  expect(await store.load()).toEqual({ models: MODELS, tuning });
  const router = new Router({ devices: [{ id: 'wasm:2' }, { id: 'typescript' }], environment: '' });
  router.restore([...MODELS, { ...MODELS[0], devices: { 'webgpu:7': MODELS[0].devices['wasm:2'] } }]);
  expect(router.store()[0].devices['wasm:2'].samples).toBe(9);
  expect(Object.keys(router.store()[0].devices)).toEqual(['wasm:2']);
});

test.each([
  ['kernelHash', { kernelHash: 'def' }],
  ['nodeVersion', { nodeVersion: 'v22.0.0' }],
  ['coreCount', { coreCount: 4 }],
  ['devices', { devices: ['wasm:2', 'Some Card, driver 2.0'] }],
])('another %s makes the file stale, and the reason says so', async (name, change) => {
  await new CalibrationStore(KEY, folder).save(MODELS);
  const store = new CalibrationStore({ ...KEY, ...change }, folder);
  expect(await reasonOf(store)).toMatch(new RegExp(`stale: ${name} .* -> `));
  await store.save(MODELS);
  expect(await reasonOf(store)).toBe('loaded');
});

test('another machine has a file of its own', async () => {
  await new CalibrationStore(KEY, folder).save(MODELS);
  expect(await reasonOf(new CalibrationStore({ ...KEY, cpuModel: 'Other CPU' }, folder))).toMatch(/nothing stored/);
});

test.each([
  ['nothing', '', /corrupted/],
  ['half a file', '{"format":"armilla-router-2","key":', /corrupted/],
  ['null', 'null', /foreign/],
  ['another format', '{"format":"other"}', /foreign: format "other"/],
  ['no key', '{"format":"armilla-router-2"}', /stale: devices missing/],
])('%s is ignored with a reason', async (_, text, reason) => {
  const store = new CalibrationStore(KEY, folder);
  writeFileSync(store.path, text);
  expect(await reasonOf(store)).toMatch(reason);
  expect(await store.load()).toMatchObject({ missing: false });
});

test.each([
  ['negative time', { launchMs: -1 }],
  ['a time beyond all', { launchMs: 1e308 }],
  ['a factor beyond all', { buckets: [[10, 1e308]] }],
  ['text', { msPerWork: '1' }],
  ['null, as NaN is written', { sigma: null }],
  ['no buckets', { buckets: 'none' }],
  ['broken buckets', { buckets: [[1]] }],
  ['a weight of 0', { weights: [0, 1, 1] }],
  ['two scales', { scales: [1, 1] }],
])('a model with %s is ignored with a reason', async (_, change) => {
  const store = new CalibrationStore(KEY, folder);
  const devices = { 'wasm:2': { ...MODELS[0].devices['wasm:2'], ...change } };
  writeFileSync(
    store.path,
    JSON.stringify({ format: 'armilla-router-2', key: KEY, models: [{ ...MODELS[0], devices }] }),
  );
  expect(await reasonOf(store)).toMatch(/corrupted: models\[0\]\.devices\['wasm:2'\]/);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a folder that can never be made is an error, not an endless search', async () => {
  const store = new CalibrationStore(KEY, '/proc/armilla/deep/down');
  await expect(store.save(MODELS)).rejects.toMatchObject({ reason: 'OUTPUT_WRITE_FAILED' });
});

test('what another process has stored since is seen', async () => {
  const [mine, other] = [new CalibrationStore(KEY, folder), new CalibrationStore(KEY, folder)];
  expect(await mine.changed()).toBe(false);
  await mine.save(MODELS);
  expect(await mine.changed()).toBe(false);
  expect(await other.changed()).toBe(true);
  await other.load();
  expect(await other.changed()).toBe(false);
  await other.save([]);
  expect(await mine.changed()).toBe(true);
  await mine.load();
  expect(await mine.changed()).toBe(false);
});

test('a folder in place of the file is a reason, not an error; saving then fails and leaves nothing aside', async () => {
  const store = new CalibrationStore(KEY, folder);
  mkdirSync(store.path);
  expect(await reasonOf(store)).toMatch(/cannot be read/);
  expect(await store.load()).toMatchObject({ missing: false });
  await expect(store.save(MODELS)).rejects.toMatchObject({
    reason: 'OUTPUT_WRITE_FAILED',
    fields: { where: store.path },
  });
  expect(readdirSync(folder)).toHaveLength(1);
});

test('writers at once leave one whole file, and readers never see half of one', async () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...MODELS[0], dtype: `f${i}` }));
  const store = new CalibrationStore(KEY, folder);
  await store.save(many);
  const saves = Array.from({ length: 20 }, () => new CalibrationStore(KEY, folder).save(many));
  for (let i = 0; i < 50; i++) expect(await store.load()).toEqual({ models: many, tuning: {} });
  await Promise.all(saves);
  expect(readdirSync(folder)).toHaveLength(1);
  expect(await store.load()).toEqual({ models: many, tuning: {} });
});

test('processes that write at once, and are killed while they do, leave a whole file', async () => {
  const store = new CalibrationStore(KEY, folder);
  const many = Array.from({ length: 500 }, (_, i) => ({ ...MODELS[0], dtype: `f${i}` }));
  const script = `import { CalibrationStore } from ${JSON.stringify(built)};
    const store = new CalibrationStore(${JSON.stringify(KEY)}, ${JSON.stringify(folder)});
    for (let i = 0; ; i++) { await store.save(${JSON.stringify(many)}); if (i === 5) console.log('busy'); }`;
  const writers = [1, 2].map(() => spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' }));
  const exits = writers.map((writer) => new Promise((resolve) => writer.once('exit', resolve)));
  await Promise.all(writers.map((writer) => new Promise((resolve) => writer.stdout.once('data', resolve))));
  for (let i = 0; i < 20; i++) expect(await store.load()).toEqual({ models: many, tuning: {} });
  for (const writer of writers) writer.kill('SIGKILL');
  await Promise.all(exits);
  expect(await store.load()).toEqual({ models: many, tuning: {} });
});

test('the folder is that of the user for state; a relative XDG_STATE_HOME is ignored', () => {
  expect(defaultFolder({ XDG_STATE_HOME: '/state' }, '/home/u')).toBe('/state/armilla/router');
  expect(defaultFolder({ XDG_STATE_HOME: 'state' }, '/home/u')).toBe('/home/u/.local/state/armilla/router');
  expect(defaultFolder({}, '/home/u')).toBe('/home/u/.local/state/armilla/router');
});

test('the key of this machine and the hash of kernels depend on what they name', () => {
  const key = hardwareKey(['a, 1'], hashKernels(['x', new Uint8Array([1])]));
  expect(key).toMatchObject({ devices: ['a, 1'], nodeVersion: process.version });
  expect(key.coreCount).toBeGreaterThanOrEqual(1);
  expect(hashKernels(['ab', 'c'])).not.toBe(hashKernels(['a', 'bc']));
  expect(hashKernels(['ab'])).toBe(hashKernels(['ab']));
});

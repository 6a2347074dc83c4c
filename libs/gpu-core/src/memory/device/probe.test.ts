import { deviceBudget, pressureLevel } from './budget.js';
import { probeMemory, type ProbeOptions } from './probe.js';

const GIB = 2 ** 30;
const none = (): Promise<never> => Promise.reject(new Error('spawn nvidia-smi ENOENT'));
const noFolder = (): Promise<never> => Promise.reject(new Error('ENOENT: /sys/class/drm'));

function amd(files: Record<string, string>): ProbeOptions {
  return {
    run: none,
    list: () => Promise.resolve(['card0', 'card0-DP-1', 'card1', 'renderD128']),
    read: (path) => (path in files ? Promise.resolve(files[path]) : Promise.reject(new Error(`ENOENT: ${path}`))),
  };
}

test('nvidia-smi tells total, used and load', async () => {
  const run = (): Promise<string> => Promise.resolve('NVIDIA H200, 143771, 2048, 35\n');
  expect(await probeMemory({ run })).toEqual({
    source: 'nvidia-smi',
    totalBytes: 143771 * 2 ** 20,
    usedBytes: 2 * GIB,
    utilisation: 0.35,
    detail: 'NVIDIA H200',
  });
});

test('of several cards the named one counts, of those alike the fullest, of strangers none', async () => {
  const text = 'NVIDIA A100, 40960, 100, 0\nNVIDIA A100, 40960, 30000, 90\nNVIDIA T4, 16384, 0, 0\n';
  const options = { run: () => Promise.resolve(text), list: noFolder };
  expect(await probeMemory({ ...options, deviceName: 'nvidia t4' })).toMatchObject({ totalBytes: 16 * GIB });
  expect(await probeMemory({ ...options, deviceName: 'A100' })).toMatchObject({ usedBytes: 30000 * 2 ** 20 });
  expect(await probeMemory({ ...options, deviceName: 'Radeon' })).toMatchObject({
    source: 'unknown',
    totalBytes: undefined,
  });
});

test('a figure that nvidia-smi does not know stays unknown', async () => {
  const run = (): Promise<string> => Promise.resolve('NVIDIA GB10, [N/A], [N/A], 3\n');
  expect(await probeMemory({ run, list: noFolder })).toMatchObject({
    source: 'unknown',
    totalBytes: undefined,
    usedBytes: undefined,
    detail: expect.stringContaining('no card tells its memory'),
  });
});

test('the amdgpu driver tells by files; cards of other drivers have none', async () => {
  const folder = '/sys/class/drm/card1/device';
  const probe = await probeMemory(
    amd({ [`${folder}/mem_info_vram_total`]: `${16 * GIB}\n`, [`${folder}/mem_info_vram_used`]: `${GIB}\n` }),
  );
  expect(probe).toEqual({
    source: 'amdgpu',
    totalBytes: 16 * GIB,
    usedBytes: GIB,
    utilisation: undefined,
    detail: 'card1',
  });
});

test('where nothing answers the source is unknown, with the reasons', async () => {
  const probe = await probeMemory({ run: none, list: noFolder });
  expect(probe).toMatchObject({ source: 'unknown', totalBytes: undefined });
  expect(probe.detail).toMatch(/nvidia-smi.*ENOENT.*amdgpu.*ENOENT/);
  expect(deviceBudget(undefined, probe)).toMatchObject({ bytes: undefined, source: 'unknown' });
});

test('a software adapter has the memory of the host', async () => {
  expect(await probeMemory({ software: true, hostBytes: () => 8 * GIB })).toMatchObject({
    source: 'host',
    totalBytes: 8 * GIB,
  });
});

test('the budget is what is configured, at most what there is, else a share of it', async () => {
  const probe = await probeMemory({ run: () => Promise.resolve('NVIDIA T4, 16384, 0, 0\n') });
  expect(deviceBudget(2 * GIB, probe)).toMatchObject({ bytes: 2 * GIB, source: 'configured' });
  expect(deviceBudget(20 * GIB, probe)).toMatchObject({ bytes: 16 * GIB, source: 'nvidia-smi' });
  expect(deviceBudget(undefined, probe, 0.5)).toMatchObject({ bytes: 8 * GIB, source: 'nvidia-smi' });
  expect(() => deviceBudget(0, probe)).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

test('levels of pressure', () => {
  const levels = [0, 0.599, 0.6, 0.799, 0.8, 0.9, 0.901, 1.2].map(pressureLevel);
  expect(levels).toEqual(['low', 'low', 'moderate', 'moderate', 'high', 'high', 'critical', 'critical']);
});

import { jest } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDawn } from '../testing/on-dawn.js';
import { discover } from './discovery/discover.js';
import type { AdapterReport, ProviderReport } from './discovery/discovery.js';
import { adapterOwners, openDevices, readAdapters } from './open-devices.js';
import { WebGpuDevice } from './webgpu/webgpu-device.js';

let claimFolder: string;
beforeAll(() => (claimFolder = mkdtempSync(join(tmpdir(), 'armilla-open-'))));
afterAll(() => rmSync(claimFolder, { recursive: true }));

onDawn('software adapters are had by name only, and what is not had says why', async () => {
  await using auto = await openDevices({ adapters: 'auto', claimFolder });
  expect(auto.open).toEqual([]);
  expect(auto.absent).toContainEqual({
    name: expect.stringContaining('SwiftShader'),
    cause: 'not-named',
    reason: expect.stringContaining('by name only'),
  });
  await using named = await openDevices({ adapters: ['swiftshader', 'voodoo'], claimFolder });
  expect(named.open.map(({ id }) => id)).toEqual(['webgpu:0']);
  // By the name that selects it, whatever the adapter makes of that.
  const [{ name }] = (await discover()).flatMap(({ adapters }) => adapters);
  expect(named.open[0].device.info).toMatchObject({ name, software: true });
  expect(adapterOwners(name, claimFolder)).toMatchObject([{ pid: process.pid, share: 1 }]);
  expect(adapterOwners('voodoo', claimFolder)).toEqual([]);
  expect(named.absent).toEqual([
    { name: 'voodoo', cause: 'unmatched', reason: expect.stringContaining('SwiftShader') },
  ]);
});

onDawn('a device that is in use is absent, with its holder; shares are had beside each other', async () => {
  await using whole = await openDevices({ adapters: ['swiftshader'], claimFolder });
  expect(whole.open).toHaveLength(1);
  await using second = await openDevices({ adapters: ['swiftshader'], claimFolder, share: 0.5 });
  expect(second.open).toEqual([]);
  expect(second.absent).toEqual([
    { name: expect.any(String), cause: 'held', reason: expect.stringContaining(`process ${process.pid}`) },
  ]);
  await whole[Symbol.asyncDispose]();
  await using halves = await openDevices({ adapters: ['swiftshader'], claimFolder, share: 0.5 });
  await using others = await openDevices({ adapters: ['swiftshader'], claimFolder, share: 0.5 });
  expect([halves.open.length, others.open.length]).toEqual([1, 1]);
});

onDawn('where no claim can be left the device is absent, not shared by chance', async () => {
  const file = join(claimFolder, 'a file');
  writeFileSync(file, '');
  await using devices = await openDevices({ adapters: ['swiftshader'], claimFolder: file });
  expect(devices.open).toEqual([]);
  expect(devices.absent).toMatchObject([
    { cause: 'unclaimed', reason: expect.stringContaining(`cannot be kept in ${file}`) },
  ]);
});

onDawn('the memory of a device is what was configured, and the share of it', async () => {
  await using devices = await openDevices({
    adapters: ['swiftshader'],
    claimFolder,
    share: 0.25,
    memoryBytes: 64 * 2 ** 20,
  });
  const { budget } = await devices.open[0].device.memory();
  expect(budget).toMatchObject({ bytes: 16 * 2 ** 20, source: 'configured' });
});

test('without any provider the reasons of each are told, and none asks nobody', async () => {
  const discover = async () => [
    { provider: 'webgpu' as const, adapters: [], reason: 'no driver' },
    { provider: 'kmamal' as const, adapters: [], reason: 'not installed' },
  ];
  await using devices = await openDevices({ adapters: 'auto', claimFolder, discover });
  expect(devices).toMatchObject({
    open: [],
    absent: [
      { name: 'webgpu', cause: 'no-adapter', reason: 'no driver' },
      { name: 'kmamal', cause: 'no-adapter', reason: 'not installed' },
    ],
  });
  await using named = await openDevices({ adapters: ['voodoo'], claimFolder, discover });
  expect(named.absent.at(-1)).toMatchObject({ name: 'voodoo', cause: 'unmatched' });
  const never = () => Promise.reject(new Error('asked'));
  await using none = await openDevices({ adapters: 'none', claimFolder, discover: never });
  expect(none.open).toEqual([]);
});

onDawn('adapters of a provider that is not loaded are not taken', async () => {
  const [webgpu] = await discover();
  const reports = [{ provider: 'kmamal' as const, adapters: [], reason: 'not installed' }, webgpu];
  await using devices = await openDevices({ adapters: ['swiftshader'], claimFolder, discover: async () => reports });
  expect(devices).toMatchObject({
    open: [],
    absent: [
      { name: 'kmamal', reason: 'not installed' },
      { name: 'swiftshader', cause: 'unmatched' },
    ],
  });
});

const twoCards = async (): Promise<readonly ProviderReport[]> => [
  { provider: 'webgpu', adapters: [{ name: 'card one' }, { name: 'card two' }] as unknown as AdapterReport[] },
];

test('an abort ends the wait for a driver that hangs; what is open is closed, what opens late too', async () => {
  const open = jest.spyOn(WebGpuDevice, 'open');
  try {
    const closed: string[] = [];
    const device = (name: string): WebGpuDevice =>
      ({ close: async () => void closed.push(name) }) as unknown as WebGpuDevice;
    let openLate = (_late: WebGpuDevice): void => undefined;
    const asked = new Promise<void>((resolve) => {
      open.mockResolvedValueOnce(device('card one')).mockImplementationOnce(() => {
        resolve();
        return new Promise((opened) => (openLate = opened));
      });
    });
    const stop = new AbortController();
    const reason = new Error('stop');
    const opening = openDevices({ adapters: 'auto', claimFolder, discover: twoCards, signal: stop.signal });
    await asked;
    expect(['card one', 'card two'].map((name) => adapterOwners(name, claimFolder).length)).toEqual([1, 1]);
    stop.abort(reason);
    await expect(opening).rejects.toBe(reason);
    expect(closed).toEqual(['card one']);
    expect(['card one', 'card two'].map((name) => adapterOwners(name, claimFolder).length)).toEqual([0, 0]);
    openLate(device('card two'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toEqual(['card one', 'card two']);
  } finally {
    open.mockRestore();
  }
});

test('an abort ends the look at the adapters, and nothing is opened after one', async () => {
  const stop = new AbortController();
  const reason = new Error('stop');
  const hanging = () => new Promise<never>(() => undefined);
  const opening = openDevices({ adapters: 'auto', claimFolder, discover: hanging, signal: stop.signal });
  stop.abort(reason);
  await expect(opening).rejects.toBe(reason);
  const { signal } = stop;
  await expect(openDevices({ adapters: 'none', claimFolder, signal })).rejects.toBe(reason);
});

test('the setting names adapters', () => {
  expect(readAdapters('auto')).toBe('auto');
  expect(readAdapters('none')).toBe('none');
  expect(readAdapters('A100, 4090')).toEqual(['A100', '4090']);
  expect(() => readAdapters('a,,b')).toThrow(expect.objectContaining({ reason: 'CONFIG_INVALID' }));
});

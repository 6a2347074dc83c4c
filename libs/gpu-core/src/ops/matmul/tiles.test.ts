/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { fail, Random } from '@armilla/base';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Device, DeviceInfo, Job, JobResult } from '../../device/device.js';
import type { Program } from '../../device/program.js';
import { WebGpuDevice } from '../../device/webgpu/webgpu-device.js';
import { Dispatcher } from '../../runtime/dispatcher.js';
import { Runtime } from '../../runtime/runtime.js';
import { onDawn } from '../../testing/on-dawn.js';
import { matmul } from './index.js';
import { DEFAULT_TILE, fastestTile, isTile, type MatmulTile, TILES } from './tiles.js';

const LIMITS = {
  maxBufferBytes: 2 ** 30,
  maxStorageBindingBytes: 2 ** 30,
  maxUniformBindingBytes: 65536,
  maxWorkgroupsPerDimension: 65535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 16384,
  maxStorageBuffers: 8,
};

/** A card whose kernel times are given by tile, and that computes nothing. */
class StandInDevice implements Device {
  readonly programs: Program[] = [];
  readonly lossCount = 0;
  readonly info: DeviceInfo;

  constructor(
    private readonly kernelMs: (tile: MatmulTile, call: number) => number,
    limits: Partial<typeof LIMITS> = {},
  ) {
    this.info = {
      kind: 'webgpu',
      provider: 'stand-in',
      vendor: 'stand-in',
      architecture: '',
      name: 'Card',
      description: 'driver 1',
      software: false,
      features: [],
      limits: { ...LIMITS, ...limits },
      timestamps: true,
      df64: 'not measured',
    };
  }

  async run(job: Job): Promise<JobResult> {
    const { program } = job.passes[0];
    const { THREADS: threads, DEPTH: depth } = program.constants ?? {};
    const kernelMs =
      program.file === 'ops/matmul/kernel.wgsl' ? this.kernelMs({ threads, depth }, this.programs.length) : 1;
    this.programs.push(program);
    // Calls that took no time at all would let a calibration go on to the largest sizes.
    if (job.label !== 'gpu.matmul.tuning') await setTimeout(20);
    const outputs = Object.entries(job.buffers).flatMap(([name, buffer]) =>
      buffer.kind === 'output' ? [[name, new ArrayBuffer(Math.ceil(buffer.byteLength / 4) * 4)]] : [],
    );
    const times = { queueMs: 0, uploadMs: 0, kernelMs, readbackMs: 0, overheadMs: 0, totalMs: kernelMs };
    const spans = {
      span: [0, kernelMs],
      uploadSpan: [0, 0],
      kernelSpan: [0, kernelMs],
      readbackSpan: [kernelMs, kernelMs],
    } as const;
    const timing = { ...times, uploadBytes: 0, readbackBytes: 0, ...spans };
    return { outputs: Object.fromEntries(outputs) as Record<string, ArrayBuffer>, timing };
  }

  keep(data: ArrayBufferView, label: string): ReturnType<Device['keep']> {
    return { id: 1, label, byteLength: data.byteLength, data: new Uint8Array(0), [Symbol.dispose]: () => undefined };
  }

  holds(): boolean {
    return false;
  }

  memory(): never {
    throw new Error('a stand-in has no memory');
  }

  canAllocate(): never {
    throw new Error('a stand-in has no memory');
  }

  cleanup(): never {
    throw new Error('a stand-in has no memory');
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

const prefers =
  (best: MatmulTile) =>
  ({ threads, depth }: MatmulTile): number =>
    threads === best.threads && depth === best.depth ? 1 : 2;

test.each(TILES)('the fastest tile is chosen: $threads x $depth', async (best) => {
  expect(await fastestTile(new StandInDevice(prefers(best)))).toEqual(best);
});

test('first calls, which compile, do not count', async () => {
  const tile = { threads: 8, depth: 32 };
  let last: MatmulTile | undefined;
  const device = new StandInDevice((one) => {
    const first = last?.threads !== one.threads || last.depth !== one.depth;
    last = one;
    return first ? 0.1 + (one.depth === 32 ? 50 : 0) : prefers(tile)(one);
  });
  expect(await fastestTile(device)).toEqual(tile);
});

test('tiles that are no faster, too large or refused are left out', async () => {
  expect(await fastestTile(new StandInDevice(({ threads }) => (threads === 8 ? 0.98 : 1)))).toEqual(DEFAULT_TILE);
  const small = new StandInDevice(() => 1, { maxInvocationsPerWorkgroup: 128 });
  expect(await fastestTile(small)).toEqual({ threads: 8, depth: 16 });
  const narrow = new StandInDevice(prefers({ threads: 16, depth: 32 }), { maxWorkgroupStorageBytes: 8192 });
  expect(await fastestTile(narrow)).toEqual(DEFAULT_TILE);
  const refusing = new StandInDevice((tile) => {
    if (tile.threads === 16) throw fail('KERNEL_INVALID', { file: 'ops/matmul/kernel.wgsl', line: 1, detail: 'no' });
    return 1;
  });
  expect(await fastestTile(refusing)).toEqual({ threads: 8, depth: 16 });
  const lost = new StandInDevice(() => {
    throw fail('DEVICE_LOST', { detail: 'gone' });
  });
  expect(await fastestTile(lost)).toEqual(DEFAULT_TILE);
  await expect(fastestTile(lost, AbortSignal.abort())).rejects.toMatchObject({ reason: 'DEVICE_LOST' });
});

test('a calibration chooses, the next process takes its choice, and calls use it', async () => {
  const stateFolder = mkdtempSync(join(tmpdir(), 'armilla-tiles-'));
  await using runtime = await Runtime.create({ workerCount: 1 });
  const best = { threads: 8, depth: 32 };
  const open = async (): Promise<{ device: StandInDevice; dispatcher: Dispatcher }> => {
    const device = new StandInDevice(prefers(best));
    const devices = [{ id: 'webgpu:0', device, claim: undefined }] as never;
    return { device, dispatcher: await Dispatcher.open(runtime, { stateFolder, environment: '', devices }) };
  };
  const used = async ({ device, dispatcher }: Awaited<ReturnType<typeof open>>): Promise<unknown> => {
    const values = new Float32Array(64 * 64);
    const input = { left: values, right: values, rowCount: 64, innerCount: 64, columnCount: 64 };
    await dispatcher.run('gpu.matmul', input, { device: 'webgpu:0' });
    return device.programs.at(-1)?.constants;
  };
  try {
    const first = await open();
    expect(first.dispatcher.tileOf('webgpu:0')).toBeUndefined();
    expect(await used(first)).toEqual({ THREADS: 16, DEPTH: 16 });
    await first.dispatcher.calibrate({ operations: ['gpu.sum'] });
    expect(first.dispatcher.tileOf('webgpu:0')).toBeUndefined();
    await first.dispatcher.calibrate({ operations: ['gpu.matmul'], devices: ['webgpu:0'] });
    expect(await used(first)).toEqual({ THREADS: 8, DEPTH: 32 });
    const second = await open();
    expect(second.dispatcher.tileOf('webgpu:0')).toEqual(best);
    expect(await used(second)).toEqual({ THREADS: 8, DEPTH: 32 });
    const { path } = second.dispatcher.store;
    writeFileSync(path, readFileSync(path, 'utf8').replace('"threads":8', '"threads":80'));
    const third = await open();
    expect(third.dispatcher.tileOf('webgpu:0')).toBeUndefined();
    expect(await used(third)).toEqual({ THREADS: 16, DEPTH: 16 });
  } finally {
    rmSync(stateFolder, { recursive: true });
  }
});

test('only the tiles that are tried are believed', () => {
  expect(TILES.every(isTile)).toBe(true);
  for (const value of [
    undefined,
    null,
    3,
    {},
    { threads: 16 },
    { threads: 0, depth: 16 },
    { threads: '16', depth: 16 },
  ])
    expect(isTile(value)).toBe(false);
});

onDawn('high and deep, low and shallow tiles give the product', async () => {
  await using runtime = await Runtime.create({ workerCount: 1 });
  await using device = await WebGpuDevice.open();
  const random = new Random(3);
  const shape = { rowCount: 67, innerCount: 45, columnCount: 35 };
  const left = new Float32Array(67 * 45).map(() => random.below(9));
  const right = new Float32Array(45 * 35).map(() => random.below(9));
  const expected = await matmul.on('reference')({ runtime }, { left, right, ...shape });
  for (const matmulTile of [
    { threads: 16, depth: 32 },
    { threads: 8, depth: 16 },
  ])
    expect(await matmul.on('webgpu')({ runtime, device, matmulTile }, { left, right, ...shape })).toEqual(expected);
});

import { Random } from '@armilla/base';
import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { add } from '../../ops/elementwise/index.js';
import { DeviceArray } from '../../ops/host/device-array.js';
import { Runtime } from '../../runtime/runtime.js';
import { onDawn } from '../../testing/on-dawn.js';
import { expectSquares, numbers, program, square } from '../../testing/square.js';
import { standIn } from '../../testing/stand-in.js';
import type { Resident } from '../device.js';
import type { OpenOptions } from './messages.js';
import { GONE_MS, REOPEN_PAUSES_MS } from './reopening.js';
import { WebGpuDevice } from './webgpu-device.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-device-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** A stand-in in the folder of this test. */
function faulty(name: string, text: string): OpenOptions {
  return standIn(join(folder, `${name}.cjs`), text);
}

/** Loses the device at its Nth submission, in its first \`lives\` lives. */
const losing = (at: number, lives: number): string => `
  let lose; const lost = new Promise((resolve) => (lose = resolve));
  Object.defineProperty(device, 'lost', { value: lost });
  if (generation > ${lives}) return;
  const submit = device.queue.submit.bind(device.queue); let count = 0;
  const queue = device.queue;
  Object.defineProperty(device, 'queue', { value: queue });
  queue.submit = (list) => {
    if (list.length > 0 && ++count === (generation === 1 ? ${at} : 1)) { device.destroy(); setTimeout(() => lose({ reason: 'unknown', message: 'test' }), 5); }
    return submit(list);
  };`;

/** Ends its thread at the next submission, and cannot be opened, as long as there is a file `gone`; threads are listed in `gone`.threads. */
function vanishing(gone: string): OpenOptions {
  return faulty(
    basename(gone),
    `const fs = require('node:fs'); const gone = () => fs.existsSync(${JSON.stringify(gone)});
     fs.appendFileSync(${JSON.stringify(`${gone}.threads`)}, require('node:worker_threads').threadId + ' ');
     if (gone()) { device.destroy(); throw new Error('no such card'); }
     const queue = device.queue; const submit = queue.submit.bind(queue);
     Object.defineProperty(device, 'queue', { value: queue });
     queue.submit = (list) => { if (gone()) { device.destroy(); setTimeout(() => process.exit(3), 50); } return submit(list); };`,
  );
}

onDawn('a job computes, its parts are timed, and residents are used again', async () => {
  await using device = await WebGpuDevice.open();
  expect(device.info).toMatchObject({ kind: 'webgpu', provider: 'webgpu', software: true, df64: 'exact' });
  const values = numbers(1000);
  const result = await device.run(square({ kind: 'input', data: values }, 1000));
  expectSquares(result, values);
  const { timing } = result;
  expect(timing).toMatchObject({ uploadBytes: 4008, readbackBytes: 4000 });
  for (const ms of [timing.queueMs, timing.uploadMs, timing.kernelMs, timing.readbackMs, timing.overheadMs]) {
    expect(ms).toBeGreaterThanOrEqual(0);
  }
  const resident = device.keep(values, 'test.values');
  for (let i = 0; i < 3; i++) {
    const again = await device.run(square({ kind: 'resident', resident }, 1000));
    expectSquares(again, values);
    expect(again.timing.uploadBytes).toBe(8);
  }
  resident[Symbol.dispose]();
  await expect(device.run(square({ kind: 'resident', resident }, 1000))).rejects.toThrow('used after its end');
});

onDawn('many jobs at once come back each with its own answer, also from shared memory and of no size', async () => {
  await using device = await WebGpuDevice.open();
  const random = new Random(5);
  await Promise.all(
    Array.from({ length: 40 }, async () => {
      const count = random.below(500);
      const shared = new Float32Array(new SharedArrayBuffer(count * 4 + 8), 4, count);
      shared.set(numbers(count));
      expectSquares(await device.run(square({ kind: 'input', data: shared }, count)), numbers(count));
    }),
  );
});

onDawn('a kernel that does not compile names its file and line, and the device goes on', async () => {
  await using device = await WebGpuDevice.open();
  const job = square({ kind: 'input', data: numbers(10) }, 10);
  const broken = {
    wgsl: program.wgsl.replace('* values[id.x]', '* wrong[id.x]'),
    file: 'broken.wgsl',
    entryPoint: 'main',
  };
  await expect(device.run({ ...job, passes: [{ ...job.passes[0], program: broken }] })).rejects.toMatchObject({
    reason: 'KERNEL_INVALID',
    fields: { file: 'broken.wgsl', line: '8' },
  });
  const nameless = { ...program, entryPoint: 'none' };
  await expect(device.run({ ...job, passes: [{ ...job.passes[0], program: nameless }] })).rejects.toMatchObject({
    reason: 'KERNEL_INVALID',
  });
  expectSquares(await device.run(job), numbers(10));
});

onDawn('a job over a limit is refused before it is sent', async () => {
  await using device = await WebGpuDevice.open();
  const { limits } = device.info;
  const job = square({ kind: 'input', data: numbers(10) }, 10);
  const limit = expect.objectContaining({ reason: 'DEVICE_LIMIT_EXCEEDED' });
  await expect(
    device.run({ ...job, passes: [{ ...job.passes[0], workgroups: [limits.maxWorkgroupsPerDimension + 1, 1, 1] }] }),
  ).rejects.toEqual(limit);
  const large = { kind: 'scratch', byteLength: limits.maxStorageBindingBytes + 4 } as const;
  await expect(device.run({ ...job, buffers: { ...job.buffers, large } })).rejects.toEqual(limit);
});

onDawn('a cancelled job ends at once, and the next one runs', async () => {
  await using device = await WebGpuDevice.open();
  const job = square({ kind: 'input', data: numbers(64) }, 64);
  const long = { ...job, passes: Array.from({ length: 200 }, () => job.passes[0]) };
  const abort = new AbortController();
  const runs = [1, 2, 3, 4, 5].map(() => device.run(long, { signal: abort.signal }));
  setTimeout(() => abort.abort(), 5);
  for (const run of runs) await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  expectSquares(await device.run(job), numbers(64));
});

onDawn('many jobs with one signal, and many devices, listen once, and leave when they end', async () => {
  const { signal } = new AbortController();
  const before = process.listenerCount('exit');
  const devices = await Promise.all([1, 2, 3].map(() => WebGpuDevice.open({ nullBackend: true })));
  expect(process.listenerCount('exit')).toBe(before + 1);
  const job = square({ kind: 'input', data: numbers(64) }, 64);
  const runs = devices.flatMap((device) => Array.from({ length: 10 }, () => device.run(job, { signal })));
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await Promise.all(runs);
  await Promise.all(devices.map((device) => device.close()));
  expect(process.listenerCount('exit')).toBe(before);
});

onDawn(
  'a device that is lost in mid-run is opened again, residents are uploaded again, and the job is tried once more',
  async () => {
    for (const at of [1, 5, 6, 7, 8, 9, 10]) {
      await using device = await WebGpuDevice.open(faulty(`lost-${at}`, losing(at, 1)));
      const resident = device.keep(numbers(100), 'test.values');
      expect(device.hasUploaded(resident)).toBe(false);
      for (let i = 0; i < 3; i++) {
        expectSquares(await device.run(square({ kind: 'resident', resident }, 100)), numbers(100));
        expect(device.hasUploaded(resident)).toBe(true);
      }
      expect(device.lossCount).toBe(1);
    }
  },
);

onDawn('a device that is lost twice under one job fails it with DEVICE_LOST', async () => {
  await using device = await WebGpuDevice.open(faulty('lost-twice', losing(6, 2)));
  const job = square({ kind: 'input', data: numbers(10) }, 10);
  await expect(device.run(job)).rejects.toMatchObject({ reason: 'DEVICE_LOST' });
  expectSquares(await device.run(job), numbers(10));
});

onDawn('memory that runs out at the Nth allocation is a typed error, for every N, and nothing is left', async () => {
  const counter = join(folder, 'count');
  let failures = 0;
  let count = Infinity;
  for (let n = 1; n <= count; n++) {
    const options = faulty(
      `memory-${n}`,
      `let count = 0; let fail = false; 
       const create = device.createBuffer.bind(device);
       const pop = device.popErrorScope.bind(device);
       device.createBuffer = (d) => { fail ||= ++count === ${n}; require('node:fs').writeFileSync(${JSON.stringify(counter)}, String(count)); return create(d); };
       device.popErrorScope = () => { const failing = fail; fail = false; return pop().then((error) => (failing ? { message: 'test' } : error)); };`,
    );
    const job = square({ kind: 'input', data: numbers(100) }, 100);
    try {
      await using device = await WebGpuDevice.open(options);
      const resident = device.keep(numbers(100), 'test.values');
      try {
        expectSquares(await device.run(job), numbers(100));
        expectSquares(await device.run(square({ kind: 'resident', resident }, 100)), numbers(100));
      } catch (error) {
        expect(error).toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
        failures++;
      }
      expectSquares(await device.run(job), numbers(100));
      count = Number(readFileSync(counter, 'utf8'));
      const { usedBytes, residentCount, promisedBytes } = await device.memory();
      expect({ jobBytes: usedBytes - residentCount * 512, promisedBytes }).toEqual({ jobBytes: 0, promisedBytes: 0 });
    } catch (error) {
      // While the device was opened.
      expect(error).toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
      failures++;
    }
  }
  expect(failures).toBeGreaterThan(0);
  expect(count).toBeGreaterThan(8);
});

onDawn('three times as much as there is, by jobs and residents: nothing fails, and the budget is kept', async () => {
  const budget = 4 * 2 ** 20;
  await using device = await WebGpuDevice.open({ memoryBytes: budget });
  // Each takes 0.8 MB where it stays, and 0.4 MB for what a job on it gives.
  const count = 100_000;
  const values = numbers(2 * count).map((value) => value % 1000);
  const residents = Array.from({ length: 10 }, () => device.keep(values, 'test.values'));
  const runs = Array.from({ length: 30 }, (_, i) =>
    i % 2 === 0
      ? device.run(square({ kind: 'resident', resident: residents[(i / 2) % 10] }, count))
      : device.run(square({ kind: 'input', data: values.subarray(0, count) }, count)),
  );
  for (const run of runs) expectSquares(await run, values.subarray(0, count));
  const stats = await device.memory();
  expect(stats.peakReservedBytes).toBeLessThanOrEqual(budget);
  expect(stats.stages).toMatchObject({ refuse: 0 });
  expect(stats.stages.spill).toBeGreaterThan(0);
  for (const resident of residents) resident[Symbol.dispose]();
  expect(await device.memory()).toMatchObject({ usedBytes: 0, promisedBytes: 0, residentCount: 0 });
});

onDawn('a host asks its device what it may allocate, and has it cleaned up', async () => {
  await using device = await WebGpuDevice.open({
    memoryBytes: 2 ** 20,
    tenantBytes: { small: 4096 },
    nullBackend: true,
  });
  const { stagingBytes, reservedBytes } = await device.memory();
  const whole = 2 ** 20 - stagingBytes;
  expect(stagingBytes).toBeGreaterThan(0);
  expect(stagingBytes).toBeLessThanOrEqual(2 ** 17);
  expect(reservedBytes).toBe(stagingBytes);
  expect([await device.canAllocate(0), await device.canAllocate(whole)]).toEqual([true, true]);
  expect(await device.canAllocate(whole + 1)).toBe(false);
  expect([await device.canAllocate(4096, 'small'), await device.canAllocate(4097, 'small')]).toEqual([true, false]);
  const resident = device.keep(numbers(150_000), 'test.values');
  const job = square({ kind: 'resident', resident }, 1000);
  await device.run(job);
  const before = await device.memory();
  expect(before).toMatchObject({ residentCount: 1 });
  // What lies there idle can go: all of it is for whoever is alone.
  expect([await device.canAllocate(whole), await device.canAllocate(whole + 1)]).toEqual([true, false]);
  expect(await device.cleanup()).toEqual([]);
  expect(await device.cleanup(0)).toMatchObject([{ stage: 'trim' }, { stage: 'spill', label: 'cleanup' }]);
  expect(await device.memory()).toMatchObject({ residentCount: 0, usedBytes: 0, reservedBytes: stagingBytes });
  await device.run(job);
  expect(await device.memory()).toMatchObject({ residentCount: 1, usedBytes: before.usedBytes });
});

onDawn('what is kept counts for its keeper, whoever uses it', async () => {
  await using device = await WebGpuDevice.open({
    memoryBytes: 2 ** 20,
    tenantBytes: { '*': 40_000, big: 500_000 },
    nullBackend: true,
  });
  const use = (resident: Resident, tenant: string) =>
    device.run({ label: 'test.use', tenant, buffers: { values: { kind: 'resident', resident } }, passes: [] });
  using large = device.keep(numbers(50_000), 'test.large', { tenant: 'big' });
  using array = await DeviceArray.keep(device, numbers(5000), 'test.array', { tenant: 'keeper' });
  await use(large, 'other');
  await use(array.resident, 'other');
  expect((await device.memory()).tenants).toEqual({ big: expect.any(Number), keeper: expect.any(Number) });
  using ours = device.keep(numbers(50_000), 'test.ours');
  await expect(use(ours, 'big')).rejects.toMatchObject({ reason: 'MEMORY_OVER_LIMIT', fields: { tenant: 'default' } });
});

onDawn('what is asked about memory with a wrong number, or of a closed device, is a typed error', async () => {
  const device = await WebGpuDevice.open({ nullBackend: true });
  for (const bytes of [-1, 1.5, NaN, Infinity, 2 ** 60]) {
    const invalid = (field: string): object => ({ reason: 'OPTION_INVALID', fields: { field, got: String(bytes) } });
    await expect(device.canAllocate(bytes)).rejects.toMatchObject(invalid('byteLength'));
    await expect(device.cleanup(bytes)).rejects.toMatchObject(invalid('keepBytes'));
  }
  await expect(device.canAllocate(1, '')).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
  const asked = [device.canAllocate(1), device.cleanup(0)];
  const outcomes = Promise.allSettled(asked);
  await device.close();
  for (const outcome of await outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'DRAINING' });
  await expect(device.canAllocate(1)).rejects.toMatchObject({ reason: 'DRAINING' });
  await expect(device.cleanup()).rejects.toMatchObject({ reason: 'DRAINING' });
});

onDawn('operands that a device kept are there again after its loss', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const values = numbers(100);
  for (const at of [6, 7, 8, 9]) {
    await using device = await WebGpuDevice.open(faulty(`lost-array-${at}`, losing(at, 1)));
    using left = await DeviceArray.keep(device, values, 'test.left');
    for (let i = 0; i < 2; i++) {
      const sums = await add.on('webgpu')({ runtime, device }, { left, right: left });
      expect(sums).toEqual(values.map((value) => 2 * value));
    }
    expect(device.lossCount).toBe(1);
  }
  await runtime.close();
});

onDawn('a device that is lost answers for the one that takes its place', async () => {
  await using device = await WebGpuDevice.open(faulty('lost-memory', losing(6, 2)));
  using resident = device.keep(numbers(100), 'test.values');
  await expect(device.run(square({ kind: 'resident', resident }, 100))).rejects.toMatchObject({
    reason: 'DEVICE_LOST',
  });
  expect(await device.canAllocate(1000)).toBe(true);
  expect(await device.cleanup(0)).toEqual([]);
  const { stagingBytes } = await device.memory();
  expect(await device.memory()).toMatchObject({ residentCount: 0, reservedBytes: stagingBytes });
});

onDawn('a device tells how its memory stands, with a snapshot of all that it knows', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 2 ** 20 });
  const levels: string[] = [];
  using _watch = device.watchMemory(({ level }) => levels.push(level));
  expect(levels).toEqual(['low']);
  const { stagingBytes } = await device.memory();
  expect(device.roomBytes).toBe(Math.floor(0.85 * 2 ** 20) - stagingBytes);
  using resident = device.keep(numbers(100_000), 'test.values');
  await device.run(square({ kind: 'resident', resident }, 1000));
  const snapshot = await device.memorySnapshot();
  expect(snapshot).toMatchObject({ version: 1, level: 'moderate', stats: { residentCount: 1 }, leaks: [] });
  expect(snapshot.samples.length).toBeGreaterThan(1);
  expect(levels.at(-1)).toBe('moderate');
  expect(JSON.parse(JSON.stringify(snapshot))).toMatchObject({ level: 'moderate' });
});

onDawn('a device whose thread ends is opened again and the jobs are tried once more', async () => {
  await using device = await WebGpuDevice.open(
    faulty(
      'ending',
      `const fs = require('node:fs'); const ended = ${JSON.stringify(join(folder, 'ended'))}; if (fs.existsSync(ended)) return;
       const submit = device.queue.submit.bind(device.queue); const queue = device.queue; let count = 0;
       Object.defineProperty(device, 'queue', { value: queue });
       queue.submit = (list) => { if (list.length > 0 && ++count === 8) { fs.writeFileSync(ended, ''); device.destroy(); setTimeout(() => process.exit(3), 50); } return submit(list); };`,
    ),
  );
  const resident = device.keep(numbers(50), 'test.values');
  for (let i = 0; i < 3; i++) {
    expectSquares(await device.run(square({ kind: 'resident', resident }, 50)), numbers(50));
  }
  expect(device.lossCount).toBe(1);
});

onDawn('a fault of the thread is a loss: the job is tried once more on a new one, then it is DEVICE_LOST', async () => {
  const count = join(folder, 'threads');
  const throwing = (threads: number): OpenOptions => {
    writeFileSync(count, '');
    return faulty(
      `throwing-${threads}`,
      `const fs = require('node:fs'); fs.appendFileSync(${JSON.stringify(count)}, '.');
       if (fs.statSync(${JSON.stringify(count)}).size > ${threads}) return;
       const queue = device.queue; const submit = queue.submit.bind(queue); let submits = 0;
       Object.defineProperty(device, 'queue', { value: queue });
       queue.submit = (list) => { if (list.length > 0 && ++submits === 8) setImmediate(() => { throw new Error('a test fault'); }); return submit(list); };`,
    );
  };
  const job = square({ kind: 'input', data: numbers(50) }, 50);
  // The self-test of a new thread submits, too: long jobs alone reach the submission that is at fault.
  const long = { ...job, passes: Array.from({ length: 20 }, () => job.passes[0]) };
  await using once = await WebGpuDevice.open(throwing(1));
  expectSquares(await once.run(long), numbers(50));
  expect(once.lossCount).toBe(1);
  await using twice = await WebGpuDevice.open(throwing(2));
  await expect(twice.run(long)).rejects.toMatchObject({
    reason: 'DEVICE_LOST',
    message: expect.stringContaining('a test fault'),
  });
  expectSquares(await twice.run(long), numbers(50));
  expect(twice.lossCount).toBe(2);
});

onDawn('a device that cannot be opened again is tried a few times, then not for a while, and comes back', async () => {
  const gone = join(folder, 'gone');
  /** Beyond the first. */
  const threadCount = (): number => new Set(readFileSync(`${gone}.threads`, 'utf8').trim().split(' ')).size - 1;
  let atMs = 0;
  const clock = { now: () => atMs, pause: async (ms: number) => void (atMs += ms) };
  await using device = await WebGpuDevice.open(vanishing(gone), clock);
  const job = square({ kind: 'input', data: numbers(50) }, 50);
  writeFileSync(gone, '');
  const unavailable = { reason: 'DEVICE_UNAVAILABLE', message: expect.stringContaining('no such card') };
  await expect(device.run(job)).rejects.toMatchObject(unavailable);
  expect(threadCount()).toBe(REOPEN_PAUSES_MS.length);
  await expect(device.run(job)).rejects.toMatchObject(unavailable);
  await expect(device.memory()).rejects.toMatchObject(unavailable);
  expect(threadCount()).toBe(REOPEN_PAUSES_MS.length);
  atMs += GONE_MS;
  await expect(device.canAllocate(1)).rejects.toMatchObject(unavailable);
  expect(threadCount()).toBe(REOPEN_PAUSES_MS.length + 1);
  rmSync(gone);
  atMs += GONE_MS;
  expectSquares(await device.run(job), numbers(50));
  expect(threadCount()).toBe(REOPEN_PAUSES_MS.length + 2);
  expect(device.lossCount).toBe(1);
});

onDawn('the null backend compiles and computes nothing', async () => {
  await using device = await WebGpuDevice.open({ nullBackend: true });
  expect(device.info).toMatchObject({ kind: 'null', df64: 'not measured' });
  const { outputs } = await device.run(square({ kind: 'input', data: numbers(10) }, 10));
  expect(outputs.squares.byteLength).toBe(40);
});

onDawn('an adapter that is not there is named with those that are', async () => {
  await expect(WebGpuDevice.open({ adapter: 'no such card' })).rejects.toMatchObject({
    reason: 'DEVICE_UNAVAILABLE',
    message: expect.stringContaining('SwiftShader'),
  });
});

onDawn('close ends work in flight with a typed error, and may be called again', async () => {
  const device = await WebGpuDevice.open();
  const runs = Array.from({ length: 6 }, () => device.run(square({ kind: 'input', data: numbers(5000) }, 5000)));
  const outcomes = Promise.allSettled(runs);
  await Promise.all([device.close(), device.close()]);
  for (const outcome of await outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'DRAINING' });
  }
  await expect(device.run(square({ kind: 'input', data: numbers(5) }, 5))).rejects.toMatchObject({
    reason: 'DRAINING',
  });
});

onDawn('a process ends by itself and with its own exit code in every state of a device', () => {
  const entry = createRequire(import.meta.url).resolve('@armilla/gpu-core');
  const source = (state: string): string => `
    import { WebGpuDevice } from ${JSON.stringify(entry)};
    const opening = WebGpuDevice.open();
    ${state}`;
  const job = `device.run({ label: 'j', buffers: { o: { kind: 'output', byteLength: 4 << 20 } }, passes: [] })`;
  const gone = join(folder, 'gone-process');
  const states = {
    opening: `opening.catch(() => undefined); setTimeout(() => process.exit(7), 30);`,
    idle: `await opening; process.exitCode = 7;`,
    working: `const device = await opening; ${job}.catch(() => undefined); setTimeout(() => process.exit(7), 2);`,
    thrown: `const device = await opening; ${job}.catch(() => undefined); process.on('uncaughtException', () => process.exit(7)); throw new Error('x');`,
    gone: `await opening; const { writeFileSync } = await import('node:fs');
      const device = await WebGpuDevice.open(${JSON.stringify(vanishing(gone))}, { now: () => 0, pause: async () => undefined });
      writeFileSync(${JSON.stringify(gone)}, ''); await ${job}.catch(({ reason }) => { if (reason === 'DEVICE_UNAVAILABLE') process.exitCode = 7; });`,
    closed: `const device = await opening; await ${job}; await device.close(); process.exitCode = 7;`,
  };
  for (const [name, state] of Object.entries(states)) {
    const script = join(folder, `${name}.mjs`);
    writeFileSync(script, source(state));
    const { status, signal, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ name, status, signal, stderr }).toEqual({ name, status: 7, signal: null, stderr: '' });
  }
});

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDawn } from '../../testing/on-dawn.js';
import { numbers, program, square } from '../../testing/square.js';
import { standIn } from '../../testing/stand-in.js';
import { WebGpuDevice } from './webgpu-device.js';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'armilla-silent-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** The device may still be on its way back. */
async function untilAnswered(device: WebGpuDevice): Promise<void> {
  const untilMs = performance.now() + 60_000;
  for (;;) {
    try {
      await device.run(job);
      return;
    } catch (error) {
      expect(error).toMatchObject({ reason: 'DEVICE_STALLED' });
      if (performance.now() > untilMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const job = square({ kind: 'input', data: numbers(64) }, 64);
const stalled = { reason: 'DEVICE_STALLED', fields: { seconds: 1.5 } };

onDawn('a driver that never gives a device is unavailable after its time', async () => {
  const options = standIn(join(folder, 'never.cjs'), 'return new Promise(() => undefined);');
  await expect(WebGpuDevice.open({ ...options, name: 'card', answerMs: 300 })).rejects.toMatchObject({
    reason: 'DEVICE_UNAVAILABLE',
    message: expect.stringContaining('the device card has got on with nothing for 0.3 s'),
  });
});

onDawn('kernels that never end: nobody waits for them, and a new device is taken as soon as one works', async () => {
  const hang = join(folder, 'hang');
  const options = standIn(
    join(folder, 'hanging.cjs'),
    `const { existsSync } = require('node:fs');
     const queue = device.queue; const done = queue.onSubmittedWorkDone.bind(queue);
     Object.defineProperty(device, 'queue', { value: queue });
     queue.onSubmittedWorkDone = () => existsSync(${JSON.stringify(hang)}) ? new Promise(() => undefined) : done();`,
  );
  await using device = await WebGpuDevice.open({ ...options, nullBackend: true, answerMs: 1500 });
  await device.run(job);
  writeFileSync(hang, '');
  // More than the thread has at once.
  const runs = [1, 2, 3, 4, 5].map(() => device.run(job));
  for (const run of await Promise.allSettled(runs))
    expect(run.status === 'rejected' && run.reason).toMatchObject(stalled);
  await expect(device.run(job)).rejects.toMatchObject(stalled);
  rmSync(hang);
  await untilAnswered(device);
  expect(device.lossCount).toBeGreaterThan(0);
  expect(await device.memory()).toMatchObject({ promisedBytes: 0 });
});

onDawn('one answer that the driver loses: its job alone fails, the others are computed', async () => {
  for (const lost of ['popErrorScope', 'createComputePipelineAsync']) {
    const once = join(folder, `once-${lost}`);
    const options = standIn(
      join(folder, `losing-${lost}.cjs`),
      `const fs = require('node:fs'); const real = device.${lost}.bind(device);
       device.${lost} = (...given) => { if (!fs.existsSync(${JSON.stringify(once)})) return real(...given); fs.rmSync(${JSON.stringify(once)}); return new Promise(() => undefined); };`,
    );
    await using device = await WebGpuDevice.open({ ...options, nullBackend: true, answerMs: 1500 });
    using resident = device.keep(numbers(50), 'test.values');
    const other = square({ kind: 'resident', resident }, 50);
    writeFileSync(once, '');
    // Another kernel than that of the others, which is compiled for it.
    const stuck = device.run({ ...job, passes: [{ ...job.passes[0], program: { ...program, file: 'stuck.wgsl' } }] });
    let running = true;
    const outcome = stuck
      .then(
        () => 'answered',
        (error: unknown) => error,
      )
      .finally(() => (running = false));
    while (existsSync(once)) await new Promise((resolve) => setTimeout(resolve, 1));
    let count = 0;
    while (running) {
      const result = await device.run(other).catch((error: unknown) => void expect(error).toMatchObject(stalled));
      if (result === undefined) continue;
      expect(result.outputs.squares.byteLength).toBe(200);
      count++;
    }
    expect(await outcome).toMatchObject(stalled);
    expect(count).toBeGreaterThan(1);
    await untilAnswered(device);
    await device.run(other);
    expect(device.lossCount).toBe(1);
  }
});

onDawn('whoever answers, if only with refusals, is not silent', async () => {
  await using device = await WebGpuDevice.open({ nullBackend: true, answerMs: 1500 });
  const broken = { ...job, passes: [{ ...job.passes[0], program: { ...program, entryPoint: 'none' } }] };
  const untilMs = performance.now() + 2500;
  const ask = async (call: () => Promise<unknown>): Promise<void> => {
    while (performance.now() < untilMs) await call();
  };
  await Promise.all([
    ask(() => device.memory()),
    ask(() => device.canAllocate(1)),
    ...[1, 2, 3].map(() => ask(() => expect(device.run(broken)).rejects.toMatchObject({ reason: 'KERNEL_INVALID' }))),
  ]);
  expect(device.lossCount).toBe(0);
});

onDawn('a device that hangs is closed all the same, and keeps no process from its end', async () => {
  const hang = join(folder, 'hang-closed');
  const never = standIn(
    join(folder, 'closing.cjs'),
    `const queue = device.queue; const done = queue.onSubmittedWorkDone.bind(queue);
     Object.defineProperty(device, 'queue', { value: queue });
     queue.onSubmittedWorkDone = () => require('node:fs').existsSync(${JSON.stringify(hang)}) ? new Promise(() => undefined) : done();`,
  );
  const device = await WebGpuDevice.open({ ...never, nullBackend: true, answerMs: 1500 });
  writeFileSync(hang, '');
  await expect(device.run(job)).rejects.toMatchObject(stalled);
  await device.close();
  await expect(device.run(job)).rejects.toMatchObject({ reason: 'DRAINING' });

  // One that blocks its thread in the driver can be ended by nobody.
  const blocking = standIn(
    join(folder, 'blocking.cjs'),
    `const queue = device.queue; const submit = queue.submit.bind(queue); let count = 0;
     Object.defineProperty(device, 'queue', { value: queue });
     queue.submit = (list) => { if (++count > 3) for (;;); return submit(list); };`,
  );
  const script = join(folder, 'script.mjs');
  writeFileSync(
    script,
    `import { WebGpuDevice } from ${JSON.stringify(createRequire(import.meta.url).resolve('@armilla/gpu-core'))};
     const device = await WebGpuDevice.open({ ...${JSON.stringify(blocking)}, nullBackend: true, answerMs: 1500 });
     const job = { label: 'test', buffers: { values: { kind: 'output', byteLength: 64 } }, passes: [] };
     try { for (;;) await device.run(job); } catch (error) { console.log(error.reason); }`,
  );
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ stdout, status, signal }).toEqual({ stdout: 'DEVICE_STALLED\n', status: null, signal: 'SIGKILL' });
  expect(stderr).toContain('the process is killed');
});

onDawn('what a driver throws is its failure, and leaves nothing behind', async () => {
  const failing = join(folder, 'failing');
  const calls = [
    'device.createShaderModule',
    'device.createCommandEncoder',
    'device.createBindGroup',
    'device.popErrorScope',
    'device.queue.submit',
  ];
  for (const call of calls) {
    const [object, name] = [call.slice(0, call.lastIndexOf('.')), call.slice(call.lastIndexOf('.') + 1)];
    const options = standIn(
      join(folder, `failing-${name}.cjs`),
      `const queue = device.queue; Object.defineProperty(device, 'queue', { value: queue });
       const real = ${object}.${name}.bind(${object});
       ${object}.${name} = (...given) => { if (require('node:fs').existsSync(${JSON.stringify(failing)})) throw new Error('of the driver'); return real(...given); };`,
    );
    await using device = await WebGpuDevice.open({ ...options, nullBackend: true, name: 'card' });
    writeFileSync(failing, '');
    await expect(device.run(job)).rejects.toMatchObject({
      reason: 'DEVICE_FAILED',
      fields: { device: 'card', detail: 'of the driver' },
    });
    rmSync(failing);
    await device.run(job);
    expect(await device.memory()).toMatchObject({ usedBytes: 0, promisedBytes: 0 });
  }
  const closed = standIn(join(folder, 'closed.cjs'), `throw new Error('no such card');`);
  await expect(WebGpuDevice.open({ ...closed, nullBackend: true })).rejects.toMatchObject({
    reason: 'DEVICE_UNAVAILABLE',
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadConfig } from '@armilla/chassis';
import { type Dispatcher, profileFromJson, summarise } from '@armilla/gpu-core';
import { runCli, temporaryFolder } from '../testing/run-cli.js';
import { hasSoftwareGpu } from '../testing/software-gpu.js';
import { type ArmillaServer, startServer } from './server.js';

const folder = temporaryFolder();
const stateDirectory = join(folder.path, 'state');
let server: ArmillaServer;
let url: string;
let dispatcher: Dispatcher;

beforeAll(async () => {
  const flags = {
    httpAddress: '127.0.0.1:0',
    grpcAddress: '127.0.0.1:0',
    logLevel: 'silent',
    workerCount: '2',
    gpuDevices: 'swiftshader',
    gpuMemoryLimitBytes: '256MiB',
    gpuShare: '0.5',
    stateDirectory,
  };
  server = await startServer({ config: loadConfig({ flags }) });
  url = server.url as string;
  dispatcher = server.compute?.dispatcher as Dispatcher;
});
afterAll(async () => {
  await server.stop(0);
  folder.remove();
});

const get = (path: string): Promise<Response> => fetch(`${url}${path}`);
const json = async <T>(path: string): Promise<T> => {
  const response = await get(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};
const cli = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCli([...args, '--server', url]);
  expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: '' });
  return stdout;
};
const gpus = hasSoftwareGpu ? ['webgpu:0'] : [];
const expectedIds = ['typescript', 'wasm:1', 'wasm:2', ...gpus];

interface Status {
  readonly devices: readonly { readonly id: string; readonly name: string; readonly owner: string }[];
  readonly memory: readonly {
    readonly device: string;
    readonly budget_bytes?: number;
    readonly budget_source: string;
  }[];
  readonly profiler: {
    readonly operations: readonly {
      readonly operation: string;
      readonly device: string;
      readonly call_count: number;
    }[];
  };
}

interface Decisions {
  readonly decisions: readonly {
    readonly id: number;
    readonly operation: string;
    readonly chosen: string;
    readonly reason: string;
    readonly actual_ms?: number;
    readonly create_time: string;
  }[];
}

test('the status names the devices that compute, what they have, and who they belong to', async () => {
  const { devices, memory } = await json<Status>('/v1/runtime/status');
  const present = devices.filter(({ id }) => id !== '' && id !== 'onnxruntime');
  expect(present.map(({ id }) => id)).toEqual(expectedIds);
  expect(present.every(({ owner }) => owner === `process ${process.pid}`)).toBe(true);
  expect(devices).toContainEqual(
    expect.objectContaining({ provider: 'kmamal', id: '', absent_reason: expect.any(String) }),
  );
  expect(memory[0]).toMatchObject({ device: 'host', budget_source: expect.any(String) });
  const text = await cli('status');
  if (hasSoftwareGpu) {
    const card = { name: expect.stringContaining('SwiftShader'), software: true, share: 0.5, df64: 'exact' };
    expect(present[3]).toMatchObject(card);
    expect(memory[1]).toMatchObject({ device: 'webgpu:0', budget_bytes: 2 ** 27, budget_source: 'configured' });
    expect(text).toContain('webgpu:0: SwiftShader');
    expect(text).toContain('memory of webgpu:0: ');
  }
  expect(text).toMatch(/not there\n.* {2}kmamal: /s);
});

test('what ran is among the decisions and in the profile, with its time', async () => {
  const left = Float32Array.of(1, 2, 3, 4);
  const input = { left, right: left, rowCount: 2, innerCount: 2, columnCount: 2 };
  const devices = ['wasm:2', 'typescript', ...gpus];
  for (const device of devices) {
    const { value } = await dispatcher.run<Float32Array>('gpu.matmul', input, { device });
    expect([...value]).toEqual([7, 10, 15, 22]);
  }
  const { decisions } = await json<Decisions>('/v1/runtime/decisions?operation=gpu.matmul');
  expect(decisions.map(({ chosen }) => chosen)).toEqual([...devices].reverse());
  expect(decisions.every(({ reason }) => reason === 'override-request')).toBe(true);
  for (const { actual_ms, create_time } of decisions) {
    expect(actual_ms).toBeGreaterThan(0);
    expect(Math.abs(Date.now() - Date.parse(create_time))).toBeLessThan(600_000);
  }
  const { profiler } = await json<Status>('/v1/runtime/status');
  // Jobs of the background calibration are counted by their device.
  expect(profiler.operations).toContainEqual(
    expect.objectContaining({ operation: 'gpu.matmul', device: 'cpu', call_count: devices.length }),
  );

  // A match, too: its join ran on the workers.
  const body = new FormData();
  body.append('right', new Blob(['ra,dec\n1,2\n3,4\n']), 'right.csv');
  body.append('left', new Blob(['ra,dec\n1,2\n']), 'left.csv');
  const match = await fetch(`${url}/v1/crossmatch?radius=1&format=csv`, { method: 'POST', body });
  expect((await match.text()).trim().split('\n')).toHaveLength(2);
  const after = await json<Status>('/v1/runtime/status');
  expect(after.profiler.operations.map(({ operation }) => operation)).toEqual(
    expect.arrayContaining(['gpu.matmul', expect.stringMatching(/join/)]),
  );
});

test('a profile can be had in every format, live as a page, and compared', async () => {
  const at = (name: string): string => join(folder.path, name);
  await cli('profile', '-o', at('a.json'));
  const profile = profileFromJson(readFileSync(at('a.json')));
  expect(summarise(profile).find(({ op, device }) => op === 'gpu.matmul' && device === 'cpu')?.count).toBe(
    2 + gpus.length,
  );
  expect(profile.label).toContain(`process ${process.pid}`);

  const tracks = profile.counters.tracks.map(({ name, device }) => `${name} ${profile.devices[device]}`);
  for (const device of ['host', ...gpus])
    expect(tracks).toEqual(expect.arrayContaining([`memory.used ${device}`, `memory.reserved ${device}`]));

  await cli('profile', '-o', at('a.trace.json'));
  const trace = JSON.parse(readFileSync(at('a.trace.json'), 'utf8')) as { traceEvents: { name: string }[] };
  expect(trace.traceEvents.map(({ name }) => name)).toContain('gpu.matmul');
  await cli('profile', '-o', at('a.pb.gz'));
  expect(gunzipSync(readFileSync(at('a.pb.gz'))).toString('latin1')).toContain('gpu.matmul');
  const flames = JSON.parse(await cli('profile', '--format', 'speedscope')) as {
    shared: { frames: { name: string }[] };
  };
  expect(flames.shared.frames.map(({ name }) => name).join()).toContain('gpu.matmul');
  await cli('profile', '-o', at('a.html'));
  expect(readFileSync(at('a.html'), 'utf8')).toMatch(/^<!doctype html>.*gpu\.matmul/s);

  const dashboard = await (await get('/dashboard')).text();
  expect(dashboard).toContain('gpu.matmul');
  expect(dashboard).toContain('"crossovers":[{');
  expect(dashboard).toContain('<nav id="live"');

  expect(await runCli(['profile', '-o', at('a.json'), '--server', url])).toMatchObject({
    code: 73,
    stderr: expect.stringContaining('OUTPUT_EXISTS'),
  });
  await cli('profile', '-o', at('a.json'), '--overwrite');
});

/** A hang guard: a busy machine calibrates slowly. */
const CALIBRATION_MS = 240_000;

async function calibrated(): Promise<void> {
  const sources = (): string[] => dispatcher.explain('gpu.xor', 1 << 16).predictions.map(({ source }) => source);
  while (sources().includes('prior')) await new Promise((resolve) => setTimeout(resolve, 50));
}

test(
  'an explanation of the server is that of its router',
  async () => {
    await calibrated();
    const there = JSON.parse(await cli('router', 'explain', 'gpu.matmul', '512', '--json')) as {
      predictions: { device: string; launch_ms: number }[];
      refused: object[];
    };
    const here = dispatcher.explain('gpu.matmul', 512);
    expect(there).toMatchObject({ chosen: here.chosen, work: 2 * 512 ** 3 });
    if (hasSoftwareGpu) expect(there.refused).toContainEqual({ device: 'webgpu:0', reason: 'software', detail: '' });
    expect(there.predictions.map(({ device }) => device)).toEqual(here.predictions.map(({ device }) => device));
    expect(await cli('router', 'explain', 'gpu.matmul', '512')).toMatch(/^gpu\.matmul f32, work 2\.68e\+8: /);
  },
  CALIBRATION_MS,
);

test(
  'a server calibrates while it serves, and keeps what it knows when it stops',
  async () => {
    await calibrated();
    const shown = await cli('router', 'show');
    expect(shown).toMatch(/^devices: typescript, wasm:1, wasm:2, (onnxruntime)?/);
    expect(shown).toMatch(/^gpu\.xor u8 \(model \d+\)$/m);
    expect(shown).toMatch(/^ {2}wasm:2 +calibrated /m);
    expect(shown).toContain('Calls so far');

    await server.stop();
    const [file] = readdirSync(join(stateDirectory, 'router'));
    const stored = JSON.parse(readFileSync(join(stateDirectory, 'router', file), 'utf8')) as {
      models: { operation: string; devices: object }[];
    };
    const xor = stored.models.find(({ operation }) => operation === 'gpu.xor');
    expect(Object.keys(xor?.devices ?? {})).toEqual(expectedIds);
  },
  CALIBRATION_MS,
);

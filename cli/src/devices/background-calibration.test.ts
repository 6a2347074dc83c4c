import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { createLogger, type Log } from '@armilla/chassis';
import { Dispatcher, routedOperations, Runtime } from '@armilla/gpu-core';
import { temporaryFolder } from '../testing/run-cli.js';
import { BackgroundCalibration, unmeasuredDevices } from './background-calibration.js';

const folder = temporaryFolder();
let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 2 })));
afterAll(async () => {
  await runtime.close();
  folder.remove();
});

function logged(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  return { lines, log: createLogger({ logLevel: 'info' }, (line) => lines.push(line)) };
}

const open = (stateFolder: string): Promise<Dispatcher> => Dispatcher.open(runtime, { stateFolder, environment: '' });

test('one that is stopped leaves models and files as they were', async () => {
  const stateFolder = join(folder.path, 'stopped');
  const dispatcher = await open(stateFolder);
  const { log, lines } = logged();
  const calibration = new BackgroundCalibration(dispatcher, log);
  calibration.start();
  await calibration.stop();
  await calibration.save();
  expect(dispatcher.router.store()).toEqual([]);
  expect(existsSync(stateFolder)).toBe(false);
  expect(lines).toEqual([]);
});

test('why a stored calibration was not taken is one warning; that there is none is none', async () => {
  const stateFolder = join(folder.path, 'damaged');
  const first = await open(stateFolder);
  expect(first.ignored).toBeUndefined();
  await first.save();
  expect((await open(stateFolder)).ignored).toBeUndefined();
  const { path } = first.store;
  writeFileSync(path, '{"half":');
  const { log, lines } = logged();
  const calibration = new BackgroundCalibration(await open(stateFolder), log);
  calibration.start();
  await calibration.stop();
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 'warn', event: 'calibration ignored', file: path, detail: expect.stringContaining('corrupted') },
  ]);
});

test('what a call taught is kept, and only what nobody measured is to be measured', async () => {
  const stateFolder = join(folder.path, 'learned');
  const dispatcher = await open(stateFolder);
  expect(unmeasuredDevices(dispatcher)).toEqual(dispatcher.router.devices.map(({ id }) => id));
  await dispatcher.run('gpu.sum', { values: new Float64Array(1000) }, { device: 'wasm:1' });
  await new BackgroundCalibration(dispatcher, logged().log).save();
  const next = await open(stateFolder);
  expect(next.router.store()).toMatchObject([
    { operation: 'gpu.sum', dtype: 'f64', devices: { 'wasm:1': { samples: 1 } } },
  ]);

  const random = new Random(1);
  for (const { operation, dtypes, smallest, sample } of routedOperations()) {
    for (const dtype of dtypes)
      await next.run(operation.name, sample(smallest, dtype, random), { device: 'typescript' });
  }
  expect(unmeasuredDevices(next)).toEqual(next.router.devices.map(({ id }) => id).filter((id) => id !== 'typescript'));
});

test('what another process has measured meanwhile stays', async () => {
  const stateFolder = join(folder.path, 'meanwhile');
  const serving = await open(stateFolder);
  await serving.run('gpu.sum', { values: new Float64Array(1000) }, { device: 'wasm:1' });
  const other = await open(stateFolder);
  await other.run('gpu.xor', { left: new Uint8Array(99), right: new Uint8Array(99) }, { device: 'typescript' });
  await other.save();
  const { log, lines } = logged();
  await new BackgroundCalibration(serving, log).save();
  expect(lines.join()).toContain('another process has stored since');
  expect((await open(stateFolder)).router.store().map(({ operation }) => operation)).toEqual(['gpu.xor']);
});

test('what calls found slower is measured again, and that alone', async () => {
  const dispatcher = await open(join(folder.path, 'slowed'));
  await dispatcher.calibrate({ operations: ['gpu.xor'], devices: ['wasm:1'] });
  // By more than any machine of tests may be busy: a device that takes a thousand times as long as it was measured.
  const request = { operation: 'gpu.xor', dtype: 'u8', work: 1e6, operands: [], bytesOut: 0, device: 'wasm:1' };
  for (let i = 0; i < 5; i++) {
    const decision = dispatcher.router.decide(request);
    dispatcher.router.start(decision);
    dispatcher.router.finish(decision, 1000 * decision.predictions[0].totalMs);
  }
  expect(dispatcher.router.slowed()).toMatchObject([{ operation: 'gpu.xor', device: 'wasm:1' }]);
  const measure = dispatcher.calibrate.bind(dispatcher);
  const runs: Parameters<Dispatcher['calibrate']>[0][] = [];
  dispatcher.calibrate = async (run = {}) => {
    runs.push({ devices: run.devices, operations: run.operations });
    return run.operations === undefined ? [] : measure(run);
  };
  const calibration = new BackgroundCalibration(dispatcher, logged().log);
  calibration.start(10);
  while (dispatcher.router.slowed().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await calibration.stop();
  const [first, ...again] = runs;
  expect(first).toEqual({ devices: unmeasuredDevices(dispatcher), operations: undefined });
  // More than once where it was interrupted.
  for (const run of again) expect(run).toEqual({ devices: ['wasm:1'], operations: ['gpu.xor'] });
});

test('a folder that cannot be written is logged, and stops nobody', async () => {
  const file = join(folder.path, 'a file');
  writeFileSync(file, '');
  const dispatcher = await open(join(file, 'router'));
  await dispatcher.run('gpu.sum', { values: new Float64Array(10) }, { device: 'wasm:1' });
  const { log, lines } = logged();
  await new BackgroundCalibration(dispatcher, log).save();
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 'warn', event: 'router not saved', detail: expect.stringContaining('ENOTDIR') },
  ]);
});

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, type Log } from '@armilla/chassis';
import { Dispatcher, Runtime } from '@armilla/gpu-core';
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

  await next.calibrate({ devices: ['typescript'] });
  expect(unmeasuredDevices(next)).toEqual(next.router.devices.map(({ id }) => id).filter((id) => id !== 'typescript'));
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

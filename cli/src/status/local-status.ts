import { formatBytes } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import { machineLimits, Runtime } from '@armilla/gpu-core';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { unmeasuredDevices } from '../devices/background-calibration.js';
import { lookAtCompute } from '../devices/compute.js';
import { devicesText } from '../devices/devices-text.js';
import { tellIgnored } from '../devices/ignored-calibration.js';
import type { Terminal } from '../terminal/terminal.js';
import type { StatusAnswer } from './status-answer.js';

/** What a server on this machine would compute on. Takes no device; a calibration that was ignored is told on `terminal`. */
export async function localStatus(terminal: Terminal): Promise<StatusAnswer> {
  const config = loadConfig({ env: process.env });
  await using runtime = await Runtime.create({ workerCount: config.workerCount || undefined });
  await using compute = await lookAtCompute(runtime, config);
  tellIgnored(compute.dispatcher, terminal);
  const { memoryBytes, source } = machineLimits();
  const { path } = compute.dispatcher.store;
  const unmeasured = unmeasuredDevices(compute.dispatcher);
  const devices = compute.devices();
  const { workerCount } = runtime;
  const router = { file: path, unmeasured };
  return {
    data: snakeCaseKeys({ workerCount, memory: { limitBytes: memoryBytes, source }, devices, router }),
    text: [
      `${workerCount} workers; memory ${formatBytes(memoryBytes)} (from ${source})`,
      devicesText(devices),
      unmeasured.length === 0
        ? `router: measured, ${path}`
        : `router: not measured on ${unmeasured.join(', ')}; armilla router calibrate does (and a server, in its background)`,
    ].join('\n'),
  };
}

import { loadConfig } from '@armilla/chassis';
import { type Dispatcher, Runtime } from '@armilla/gpu-core';
import { lookAtCompute } from '../devices/compute.js';
import { tellIgnored } from '../devices/ignored-calibration.js';
import type { Terminal } from '../terminal/terminal.js';

/** Gives `use` a router that knows the devices of this machine and what was measured on them. Takes and measures none; a calibration that was ignored is told. */
export async function withLocalRouter<T>(terminal: Terminal, use: (dispatcher: Dispatcher) => T): Promise<T> {
  const config = loadConfig({ env: process.env });
  await using runtime = await Runtime.create({ workerCount: config.workerCount || undefined });
  await using compute = await lookAtCompute(runtime, config);
  tellIgnored(compute.dispatcher, terminal);
  return use(compute.dispatcher);
}

import { loadConfig } from '@armilla/chassis';
import { type Dispatcher, Runtime } from '@armilla/gpu-core';
import { lookAtCompute } from '../devices/compute.js';

/** Gives `use` a router that knows the devices of this machine and what was measured on them. Takes and measures none. */
export async function withLocalRouter<T>(use: (dispatcher: Dispatcher) => T): Promise<T> {
  const config = loadConfig({ env: process.env });
  await using runtime = await Runtime.create({ workerCount: config.workerCount || undefined });
  await using compute = await lookAtCompute(runtime, config);
  return use(compute.dispatcher);
}

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { OpenOptions } from '../device/webgpu/messages.js';

const dawn = join(
  createRequire(import.meta.url).resolve('webgpu/package.json'),
  '..',
  'dist',
  `${process.platform}-${process.arch}`,
  'dawn.node',
);

/** A stand-in for the native module at `file`: the real one, whose devices are changed by `text` (device, generation) before use: it may give a promise. */
export function standIn(file: string, text: string): OpenOptions {
  writeFileSync(
    file,
    `const real = require(${JSON.stringify(dawn)});
     let generation = 0;
     const change = (device, generation) => { ${text} };
     module.exports = { globals: real.globals, create(flags) {
       const gpu = real.create(flags);
       const requestAdapter = gpu.requestAdapter.bind(gpu);
       gpu.requestAdapter = async (options) => {
         const adapter = await requestAdapter(options);
         const requestDevice = adapter.requestDevice.bind(adapter);
         adapter.requestDevice = async (descriptor) => {
           const device = await requestDevice(descriptor);
           await change(device, ++generation);
           return device;
         };
         return adapter;
       };
       return gpu;
     } };`,
  );
  return { provider: { ARMILLA_DAWN_NODE: file } };
}

import { gpuChecks } from './gpu-checks.js';

const limits = {
  maxBufferBytes: 1,
  maxStorageBindingBytes: 1,
  maxUniformBindingBytes: 1,
  maxWorkgroupsPerDimension: 1,
  maxInvocationsPerWorkgroup: 1,
  maxWorkgroupStorageBytes: 1,
  maxStorageBuffers: 1,
};
const card = { vendor: 'v', architecture: 'a', description: 'driver 1', count: 1, features: [], limits };

test('no adapter is no fault; each provider tells what it offers or why not', () => {
  expect(gpuChecks([{ provider: 'webgpu', adapters: [], reason: 'no driver' }], [])).toEqual([
    { name: 'GPU by webgpu', ok: true, seen: 'none (no driver)' },
  ]);
  const adapters = [
    { ...card, name: 'Card', software: false },
    { ...card, name: 'Soft', description: '', software: true },
  ];
  expect(gpuChecks([{ provider: 'webgpu', adapters }], [])[0].seen).toMatch(
    /^Card \(driver 1\); Soft, a software adapter/,
  );
});

test('a card that is there and cannot be used is a fault with its fix', () => {
  const fault = { seen: 'a driver without Vulkan', fix: 'give the container the graphics capability' };
  expect(gpuChecks([], [fault])).toEqual([{ name: 'GPU', ok: false, ...fault }]);
  expect(gpuChecks([])).toEqual([]);
});

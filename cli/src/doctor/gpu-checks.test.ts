import { absentChecks, gpuChecks } from './gpu-checks.js';

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

test('a provider that the environment names and that cannot be loaded is a fault', () => {
  const reports = [
    { provider: 'webgpu', adapters: [], reason: 'Cannot find module' },
    { provider: 'kmamal', adapters: [], reason: 'it is not installed' },
  ] as const;
  const [named, other] = gpuChecks(reports, [], { ARMILLA_DAWN_NODE: '/none.node' });
  expect(named).toMatchObject({ ok: false, fix: expect.stringContaining('ARMILLA_DAWN_NODE') });
  expect(other.ok).toBe(true);
  expect(gpuChecks(reports, [], {}).every(({ ok }) => ok)).toBe(true);
  // It was loaded; that no driver answers is not its fault.
  const loaded = [{ ...reports[0], file: '/some.node' }];
  expect(gpuChecks(loaded, [], { ARMILLA_DAWN_NODE: '/some.node' })[0].ok).toBe(true);
});

test('what is selected and gives no device is a fault; what another process has, and what nobody named, is none', () => {
  const reason = 'seen';
  const absent = (['no-adapter', 'not-named', 'held'] as const).map((cause) => ({ name: cause, cause, reason }));
  expect(absentChecks(absent)).toEqual([]);
  for (const [cause, fix] of [
    ['failed', /driver.*gpu_devices/],
    ['unclaimed', /TMPDIR/],
    ['unmatched', /gpu_devices.*armilla status --local/],
  ] as const)
    expect(absentChecks([{ name: 'Card', cause, reason }])).toEqual([
      { name: 'GPU Card', ok: false, seen: reason, fix: expect.stringMatching(fix) },
    ]);
});

test('a driver that fails when it is asked is a fault of the provider that is loaded', () => {
  const report = { provider: 'webgpu', file: '/some.node', adapters: [], reason: 'it threw', faulty: true };
  expect(gpuChecks([report, { ...report, provider: 'kmamal' }], [], {})).toMatchObject([
    { ok: false, seen: 'none (it threw)', fix: expect.stringContaining('driver') },
    { ok: true },
  ]);
  const some = { ...report, adapters: [{ ...card, name: 'Card', software: false }], reason: 'Other: it threw' };
  expect(gpuChecks([some], [], {})[0]).toMatchObject({ ok: false, seen: 'Card (driver 1); Other: it threw' });
});

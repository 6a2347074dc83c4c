import { Random } from '@armilla/base';
import { CostModel } from './cost-model.js';
import type { RouterDevice } from './device.js';
import { Router } from './router.js';
import type { RouterOptions } from './router-options.js';
import { requestOf, type RouteRequest } from './size.js';

const DEVICES: RouterDevice[] = [
  { id: 'typescript' },
  { id: 'wasm:2' },
  { id: 'webgpu:0', memory: 'webgpu:0' },
  { id: 'webgpu:1', memory: 'webgpu:1', software: true },
];

function known(options: Partial<RouterOptions> = {}): Router {
  const router = new Router({ devices: DEVICES, environment: '', now: () => 0, ...options });
  const terms = [
    { launchMs: 0.001, msPerWork: 1e-6, msPerByte: 1e-7 },
    { launchMs: 0.05, msPerWork: 1e-7, msPerByte: 1e-7 },
    { launchMs: 0.5, msPerWork: 1e-9, msPerByte: 1e-7 },
    { launchMs: 0, msPerWork: 0, msPerByte: 0 },
  ];
  router.devices.forEach(({ id }, i) => router.install('gpu.matmul', 'f32', id, new CostModel(terms[i], 'calibrated')));
  return router;
}

const call = (work: number, more: Partial<RouteRequest> = {}): RouteRequest => ({
  ...requestOf('gpu.matmul', 'f32', { work, bytesIn: 1000, bytesOut: 500 }),
  ...more,
});

const reasonOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as { reason: string }).reason;
  }
  return 'none';
};

test('small calls stay, large ones go to the GPU; a software adapter never wins', () => {
  const router = known();
  expect(router.decide(call(10)).chosen).toBe('typescript');
  expect(router.decide(call(1e6)).chosen).toBe('wasm:2');
  const decision = router.decide(call(1e9));
  expect(decision).toMatchObject({ chosen: 'webgpu:0', reason: 'fastest', chunkCount: 1 });
  expect(decision.refused).toContainEqual({ device: 'webgpu:1', reason: 'software' });
});

test('a device that only a rule sends calls to is chosen by a rule alone, and stands in for none that is gone', () => {
  const ruleOnly = { 'webgpu:0': 'not by itself' };
  const router = known();
  const decision = router.decide(call(1e9, { ruleOnly }));
  expect(decision).toMatchObject({ chosen: 'wasm:2', reason: 'fastest' });
  expect(decision.refused).toContainEqual({ device: 'webgpu:0', reason: 'rule-only', detail: 'not by itself' });
  expect(router.decide(call(1e9, { ruleOnly, device: 'webgpu:0' }))).toMatchObject({
    chosen: 'webgpu:0',
    reason: 'override-request',
  });
  const gone = { typescript: 'lost', 'wasm:2': 'lost' };
  expect(router.decide(call(1e9, { ruleOnly, gone })).chosen).toBe('wasm:2');
  expect(router.decide(call(1e9, { gone })).chosen).toBe('webgpu:0');
});

test('a decision says what every device would take, the terms, the spread and where it is even', () => {
  const { predictions, confidence, crossoverWork, modelVersion } = known().decide(call(1e6));
  expect(predictions.map(({ device }) => device)).toEqual(DEVICES.map(({ id }) => id));
  for (const { totalMs, terms } of predictions) {
    const sum = terms.launchMs + terms.computeMs + terms.transferMs + terms.queueMs;
    expect(sum).toBeCloseTo(totalMs, 9);
  }
  expect(predictions[1].totalMs).toBeCloseTo(0.15, 6);
  expect(predictions[2].bytesToMove).toBe(1500);
  expect(confidence).toBeGreaterThan(0.99);
  expect(modelVersion).toBeGreaterThan(1);
  // wasm and GPU: 0.05 + 1e-7 w = 0.5 + 1e-9 w + 1.5e-4 w / 1e6
  expect(crossoverWork! / (0.45 / (1e-7 - 1e-9 - 1.5e-10))).toBeCloseTo(1, 3);
});

test('operands that lie on the device need not move', () => {
  const router = known();
  const big = { bytes: 1e8 };
  const host = router.decide(call(5e7, { operands: [big] }));
  expect(host.chosen).toBe('wasm:2');
  const there = router.decide(call(5e7, { operands: [{ ...big, at: ['host', 'webgpu:0'] }], resultAt: null }));
  expect(there.chosen).toBe('webgpu:0');
  expect(there.predictions[2].bytesToMove).toBe(0);
  const onlyThere = router.decide(call(1e6, { operands: [{ ...big, at: ['webgpu:0'] }] }));
  expect(onlyThere.predictions[1].bytesToMove).toBe(1e8);
});

test('an override always wins: request before environment before configuration', () => {
  const random = new Random(3);
  const rules = { environment: 'gpu.matmul=typescript,*=webgpu:1', config: 'gpu.matmul=wasm' };
  for (let i = 0; i < 200; i++) {
    const request = call(Math.exp(random.between(0, 25)), { deadlineMs: random.uniform() < 0.5 ? 1 : undefined });
    const router = known(rules);
    expect(router.decide({ ...request, device: 'webgpu:1' })).toMatchObject({
      chosen: 'webgpu:1',
      reason: 'override-request',
    });
    expect(router.decide(request)).toMatchObject({ chosen: 'typescript', reason: 'override-environment' });
    expect(known({ config: rules.config }).decide(request)).toMatchObject({
      chosen: 'wasm:2',
      reason: 'override-config',
    });
  }
  expect(known(rules).decide({ ...call(1), operation: 'gpu.xor' }).chosen).toBe('webgpu:1');
});

test('a kind as override leaves the choice among its devices', () => {
  const router = known({ devices: [{ id: 'wasm:1' }, { id: 'wasm:2' }, { id: 'typescript' }, { id: 'webgpu:0' }] });
  expect(['wasm:1', 'wasm:2']).toContain(router.decide(call(1e9, { device: 'wasm' })).chosen);
});

test('"*" is passed over where the operation has no such backend; a rule that names the operation is not', () => {
  const devices = ['typescript', 'wasm:2'];
  expect(known({ environment: '*=webgpu' }).decide(call(10, { devices })).chosen).toBe('typescript');
  const named = known({ environment: 'gpu.matmul=webgpu' });
  expect(reasonOf(() => named.decide(call(10, { devices })))).toBe('CONFIG_INVALID');
  expect(reasonOf(() => known().decide(call(10, { devices, device: 'webgpu' })))).toBe('OPTION_INVALID');
});

test.each(['gpu.matmul', 'gpu.matmul=', '=wasm', 'gpu.*=wasm', 'a=wasm,a=wasm', 'gpu.xor=cuda', 'a=wasm:', 'a==wasm'])(
  'the rule %s is refused',
  (environment) => {
    expect(reasonOf(() => known({ environment }))).toBe('CONFIG_INVALID');
    expect(reasonOf(() => known({ config: environment }))).toBe('CONFIG_INVALID');
  },
);

test('all faults of the rules are told at once', () => {
  expect(() => known({ environment: 'x, gpu.xor=cuda, ok=wasm' })).toThrow(
    /ARMILLA_ROUTE: 'x' must be .*; 'gpu.xor=cuda': no device 'cuda'.*typescript, wasm:2/,
  );
});

test('a rule waits for a GPU that is not here, and is passed over where its device cannot do the call', () => {
  expect(known({ environment: 'gpu.matmul=webgpu:7,gpu.matmul=wasm' }).decide(call(1e6)).reason).toBe(
    'override-environment',
  );
  const ruled = known({ config: 'gpu.matmul=typescript' });
  const devices = ruled.devices.map(({ id }) => id).filter((id) => id !== 'typescript');
  expect(() => ruled.decide(call(1e6, { devices }))).toThrow(/has no backend on 'typescript'/);
  const decision = ruled.decide(call(1e6, { devices, faults: { typescript: 'k is over 16' } }));
  expect(decision.chosen).not.toBe('typescript');
  expect(decision.reason).not.toContain('override');
});

test('sizes that are negative, infinite or no numbers, and bad devices, are refused', () => {
  const bad = [{ work: -1 }, { work: NaN }, { bytesOut: Infinity }, { operands: [{ bytes: -5 }] }, { deadlineMs: NaN }];
  for (const more of bad) expect(reasonOf(() => known().decide(call(1, more)))).toBe('OPTION_INVALID');
  for (const devices of [[], [{ id: 'a' }, { id: 'a' }], [{ id: 'A B' }]])
    expect(reasonOf(() => new Router({ devices, environment: '' }))).toBe('OPTION_INVALID');
});

test('zero work and no operands are decided too', () => {
  const decision = known().decide(call(0, { operands: [], bytesOut: 0 }));
  expect(decision.chosen).toBe('typescript');
  expect(decision.predictions.every(({ totalMs }) => totalMs > 0)).toBe(true);
});

test('memory: cut into pieces where it can be, another device or an error where it cannot', () => {
  const free: Record<string, number> = { 'webgpu:0': 400 };
  const router = known({ availableBytes: (device) => free[device] ?? 1000 });
  const cut = router.decide(call(1e10, { device: 'webgpu:0', operands: [{ bytes: 900 }], bytesOut: 100 }));
  expect(cut.chunkCount).toBe(3);
  expect(cut.predictions[2].terms.launchMs).toBeCloseTo(1.5, 6);
  const whole = call(1e10, { smallestPieceBytes: 800, memoryBytes: 900 });
  expect(router.decide(whole)).toMatchObject({ chosen: 'wasm:2' });
  expect(router.decide(whole).refused).toContainEqual({ device: 'webgpu:0', reason: 'memory' });
  expect(reasonOf(() => router.decide({ ...whole, smallestPieceBytes: 2000, memoryBytes: 2000 }))).toBe(
    'MEMORY_OVER_LIMIT',
  );
  expect(reasonOf(() => router.decide({ ...whole, device: 'webgpu:0' }))).toBe('MEMORY_OVER_LIMIT');
});

test('a queue makes the other device finish first, and empties with time and with the calls', () => {
  let nowMs = 0;
  const router = known({ now: () => nowMs });
  const first = router.decide(call(1e7));
  expect(first.chosen).toBe('webgpu:0');
  const second = router.decide(call(2e9));
  router.start(second);
  const behind = router.decide(call(1e7));
  expect(behind.chosen).toBe('wasm:2');
  expect(behind.predictions[2].terms.queueMs).toBeCloseTo(2.5, 2);
  nowMs = 1;
  expect(router.explain(call(1e7)).predictions[2].terms.queueMs).toBeCloseTo(1.5, 2);
  router.abandon(second);
  expect(router.explain(call(1e7)).predictions[2].terms.queueMs).toBe(0);
});

test('a deadline goes to the device that is likelier to keep it', () => {
  const router = known();
  const vague = { launchMs: 0.1, msPerWork: 1e-9, msPerByte: 0 };
  router.install('gpu.matmul', 'f32', 'webgpu:0', new CostModel(vague, 'prior'));
  const request = call(1e6);
  expect(router.decide(request).chosen).toBe('webgpu:0');
  expect(router.decide({ ...request, deadlineMs: 0.25 })).toMatchObject({ chosen: 'wasm:2', reason: 'deadline' });
  expect(router.decide({ ...request, deadlineMs: 1e-4 }).reason).toBe('deadline-unlikely');
});

test('a device is not left for one that is hardly faster', () => {
  const router = known();
  const set = (launchMs: number): void =>
    router.install(
      'gpu.matmul',
      'f32',
      'wasm:2',
      new CostModel({ launchMs, msPerWork: 0, msPerByte: 0 }, 'calibrated'),
    );
  set(0.2);
  expect(router.decide(call(2e5)).chosen).not.toBe('webgpu:0');
  const first = router.decide(call(2e5));
  for (let i = 0; i < 50; i++) {
    const decision = router.decide(call(2e5));
    if (decision.reason !== 'exploration') expect(decision.chosen).toBe(first.chosen);
    router.finish(decision, 0.2 * (i % 2 === 0 ? 1.02 : 0.98));
  }
});

test('without calibration the shipped priors decide, and calls teach', () => {
  const router = new Router({ devices: DEVICES, environment: '', now: () => 0 });
  const large = requestOf('gpu.matmul', 'f32', { work: 2e9, bytesIn: 8e6, bytesOut: 4e6 });
  expect(router.decide(large).predictions.every(({ source, samples }) => source === 'prior' && samples === 0)).toBe(
    true,
  );
  for (let i = 0; i < 30; i++) router.finish(router.decide({ ...large, device: 'webgpu:0' }), 40);
  const [, , gpu] = router.explain(large).predictions;
  expect(gpu.source).toBe('learned');
  expect(gpu.totalMs / 40).toBeCloseTo(1, 1);
});

test('explain changes nothing', () => {
  const router = known();
  const before = JSON.stringify(router.store());
  expect(router.explain(call(1e6)).id).toBe(0);
  expect(router.recent()).toEqual([]);
  expect(JSON.stringify(router.store())).toBe(before);
});

test('recent decisions are kept up to a capacity, newest first, with what they took', () => {
  const router = known({ recentCapacity: 3 });
  for (let i = 0; i < 5; i++) router.finish(router.decide(call(10)), 0.001 * (i + 1));
  router.decide(call(10));
  expect(router.recent().map(({ decision, actualMs }) => [decision.id, actualMs])).toEqual([
    [6, null],
    [5, 0.005],
    [4, 0.004],
  ]);
  expect(router.recent(1)).toHaveLength(1);
  expect(JSON.parse(JSON.stringify(router.recent(1)[0]))).toEqual(router.recent(1)[0]);
  expect(known({ recentCapacity: 0 }).recent()).toEqual([]);
});

test('the regret report counts actual against best predicted time, overrides apart', () => {
  const router = known();
  router.finish(router.decide(call(1e6)), 0.3);
  router.finish(router.decide(call(1e6, { device: 'typescript' })), 1);
  const [row] = router.regret();
  expect(row).toMatchObject({ operation: 'gpu.matmul', calls: 2, explorationMs: 0 });
  expect(row.actualMs).toBeCloseTo(1.3, 9);
  expect(row.overrideMs).toBeGreaterThan(0.5);
  expect(row.ratio).toBeCloseTo(row.actualMs / row.bestPredictedMs, 12);
});

test('times that are no times teach nothing', () => {
  const router = known();
  const before = JSON.stringify(router.store());
  for (const ms of [NaN, -1, Infinity]) router.finish(router.decide(call(1e6)), ms);
  expect(JSON.stringify(router.store())).toBe(before);
});

test('crossover: ranges cover all sizes without gaps, neighbours differ, borders are exact', () => {
  const router = known();
  const ranges = router.crossover('gpu.matmul', 'f32', 'device', { largest: 1e9 });
  expect(ranges.map(({ device }) => device)).toEqual(['typescript', 'wasm:2', 'webgpu:0']);
  expect(ranges[0].from).toBe(1);
  expect(ranges[2].to).toBe(1e9);
  for (let i = 1; i < ranges.length; i++) expect(ranges[i].from).toBe(ranges[i - 1].to + 1);
  expect(ranges[1].from).toBe(Math.ceil(0.049 / 9e-7));
  expect(ranges[2].from / (0.45 / 9.9e-8)).toBeCloseTo(1, 6);
});

test('a device without a backend wins no size', () => {
  const devices = (dtype: string): string[] => (dtype === 'f32' ? ['typescript', 'webgpu:0'] : []);
  const ranges = known().crossover('gpu.matmul', 'f32', 'device', { largest: 1e9, devices });
  expect(ranges.map(({ device }) => device)).toEqual(['typescript', 'webgpu:0']);
});

import { CostModel } from './cost-model.js';
import { hedgeOf } from './hedge.js';
import { routedCall, type RunPlace } from './routed-call.js';
import { Router } from './router.js';
import { requestOf } from './size.js';

const REQUEST = requestOf('gpu.matmul', 'f32', { work: 1e9, bytesIn: 0, bytesOut: 0 });
const DEVICES = [
  { id: 'wasm:1' },
  { id: 'webgpu:0', memory: 'webgpu:0' },
  { id: 'webgpu:1', memory: 'webgpu:1', software: true },
];

/** webgpu:0 takes 10 ms, wasm:1 20 ms, the software adapter 1 ms. */
function setting(): { router: Router; now: () => number; advance: (ms: number) => void } {
  let nowMs = 0;
  const now = (): number => nowMs;
  const router = new Router({ devices: DEVICES, environment: '', now });
  for (const [id, ms] of [
    ['wasm:1', 20],
    ['webgpu:0', 10],
    ['webgpu:1', 1],
  ] as const) {
    const model = new CostModel({ launchMs: 0, msPerWork: ms / 1e9, msPerByte: 0 }, 'calibrated');
    router.install('gpu.matmul', 'f32', id, model);
  }
  return { router, now, advance: (ms) => void (nowMs += ms) };
}

test('a call that is late on a device of its own has the next best that may be chosen', () => {
  const { router } = setting();
  const hedge = hedgeOf(router.decide(REQUEST), router.devices);
  expect(hedge).toMatchObject({ device: 'wasm:1', chunkCount: 1 });
  expect(hedge?.afterMs).toBeGreaterThanOrEqual(13);
  expect(hedge?.afterMs).toBeLessThanOrEqual(20);
  // Where a rule says so, where it shares the host's cores, and where no other device can.
  for (const change of [{ device: 'webgpu:0' }, { device: 'wasm:1' }, { devices: ['webgpu:0'] }])
    expect(hedgeOf(router.decide({ ...REQUEST, ...change }), router.devices)).toBeUndefined();
  const onHost = { ...REQUEST, devices: ['wasm:1', 'webgpu:0'], work: 1e9, full: ['webgpu:0'] };
  expect(hedgeOf(router.decide(onHost), router.devices)).toBeUndefined();
});

/** Runs that end when a test says so; an abort ends them badly. */
class Runs {
  readonly places: RunPlace[] = [];
  readonly end = new Map<string, (value: string) => void>();
  readonly fail = new Map<string, (error: Error) => void>();

  readonly run = (place: RunPlace): Promise<string> => {
    this.places.push(place);
    return new Promise((resolve, reject) => {
      this.end.set(place.device, resolve);
      this.fail.set(place.device, reject);
      place.signal?.addEventListener('abort', () => reject(place.signal?.reason as Error), { once: true });
    });
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function hedged(): ReturnType<typeof setting> & { runs: Runs; wake: () => void; call: Promise<unknown> } {
  const all = setting();
  const runs = new Runs();
  let wake = (): void => undefined;
  const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      wake = () => {
        all.advance(ms);
        resolve();
      };
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
  const call = routedCall(all.router, REQUEST, runs.run, { now: all.now, sleep, hedged: true });
  call.catch(() => undefined);
  return { ...all, runs, wake: () => wake(), call };
}

test('a device that hangs: the second gives the result, the first is told to stop and is expected to be slow', async () => {
  const { router, runs, wake, advance, call } = hedged();
  wake();
  await turn();
  expect(runs.places.map(({ device }) => device)).toEqual(['webgpu:0', 'wasm:1']);
  // The second start is in the queue of its device.
  expect(router.explain(REQUEST).predictions[0].terms.queueMs).toBeCloseTo(20);
  advance(20);
  runs.end.get('wasm:1')?.('second');
  const { value, decision } = (await call) as Awaited<ReturnType<typeof routedCall>>;
  expect(value).toBe('second');
  expect(decision).toMatchObject({ chosen: 'webgpu:0', second: { device: 'wasm:1', won: true } });
  expect(runs.places[0].signal?.aborted).toBe(true);
  const [record] = router.recent(1);
  expect(record.decision.second).toEqual(decision.second);
  expect(record.actualMs).toBeCloseTo(20 + (decision.second?.afterMs ?? 0));
  const next = router.explain(REQUEST);
  expect(next.chosen).toBe('wasm:1');
  expect(next.predictions.map(({ samples }) => samples)).toEqual([1, 1, 0]);
  expect(next.predictions.every(({ terms }) => terms.queueMs === 0)).toBe(true);
});

test('one that is late and ends first after all gives the result, and the second is told to stop', async () => {
  const { router, runs, wake, call } = hedged();
  wake();
  await turn();
  runs.end.get('webgpu:0')?.('first');
  expect(await call).toMatchObject({ value: 'first', decision: { second: { device: 'wasm:1', won: false } } });
  expect(runs.places[1].signal?.aborted).toBe(true);
  expect(router.explain(REQUEST).predictions.map(({ samples }) => samples)).toEqual([0, 1, 0]);
});

test('one that is in time starts nothing else', async () => {
  const { runs, call } = hedged();
  runs.end.get('webgpu:0')?.('first');
  const { decision } = (await call) as Awaited<ReturnType<typeof routedCall>>;
  expect(decision.second).toBeUndefined();
  expect(runs.places).toHaveLength(1);
});

test.each([['webgpu:0'], ['wasm:1']])('where %s fails the other gives the result', async (failing) => {
  const { runs, wake, call } = hedged();
  wake();
  await turn();
  runs.fail.get(failing)?.(new Error('lost'));
  await turn();
  const other = failing === 'wasm:1' ? 'webgpu:0' : 'wasm:1';
  runs.end.get(other)?.(other);
  expect(await call).toMatchObject({ value: other });
});

test('where both fail the first says why, and nothing stays in a queue', async () => {
  const { router, runs, wake, call } = hedged();
  wake();
  await turn();
  runs.fail.get('wasm:1')?.(new Error('second'));
  runs.fail.get('webgpu:0')?.(new Error('first'));
  await expect(call).rejects.toThrow('first');
  expect(router.explain(REQUEST).predictions.every(({ terms }) => terms.queueMs === 0)).toBe(true);
});

test('one that fails in time fails at once', async () => {
  const { runs, call } = hedged();
  runs.fail.get('webgpu:0')?.(new Error('no kernel'));
  await expect(call).rejects.toThrow('no kernel');
  expect(runs.places).toHaveLength(1);
});

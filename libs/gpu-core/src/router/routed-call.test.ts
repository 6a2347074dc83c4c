import { Router } from './router.js';
import { routedCall } from './routed-call.js';
import { ShadowLog } from './shadow.js';
import { requestOf } from './size.js';

const REQUEST = requestOf('gpu.xor', 'u8', { work: 100, bytesIn: 200, bytesOut: 100 });

function setting(): { router: Router; now: () => number; advance: (ms: number) => void } {
  let nowMs = 0;
  const now = (): number => nowMs;
  const router = new Router({ devices: [{ id: 'typescript' }, { id: 'wasm:1' }], environment: '', now });
  return { router, now, advance: (ms) => void (nowMs += ms) };
}

test('runs where it was decided, and learns the time', async () => {
  const { router, now, advance } = setting();
  const run = ({ device }: { device: string }): Promise<string> => {
    advance(3);
    return Promise.resolve(device);
  };
  const { value, decision } = await routedCall(router, REQUEST, run, { now });
  expect(value).toBe(decision.chosen);
  expect(router.recent(1)[0].actualMs).toBe(3);
});

test('the time on the device replaces that of the whole call', async () => {
  const { router, now, advance } = setting();
  await routedCall(
    router,
    REQUEST,
    (place) => {
      advance(100);
      place.measured(2);
      return Promise.resolve();
    },
    { now },
  );
  expect(router.recent(1)[0].actualMs).toBe(2);
});

test('a call that fails teaches nothing, leaves the queue and rejects as it did', async () => {
  const { router, now } = setting();
  const fault = new Error('device lost');
  await expect(routedCall(router, REQUEST, () => Promise.reject(fault), { now })).rejects.toBe(fault);
  expect(router.store()).toEqual([]);
  expect(router.explain(REQUEST).predictions.every(({ terms }) => terms.queueMs === 0)).toBe(true);
});

test('one of N calls runs on the next best device too, and is compared', async () => {
  const { router, now, advance } = setting();
  const log = new ShadowLog();
  const places: string[] = [];
  const run = ({ device }: { device: string }): Promise<number> => {
    places.push(device);
    advance(device === 'wasm:1' ? 1 : 2);
    return Promise.resolve(device === 'wasm:1' ? 1 : 1.5);
  };
  const compare = (a: number, b: number): string | undefined => (a === b ? undefined : `off by ${Math.abs(a - b)}`);
  const request = { ...REQUEST, device: 'typescript' };
  for (let i = 0; i < 9; i++) {
    const { value } = await routedCall(router, request, run, { now, shadow: { oneOf: 3, compare, log } });
    expect(value).toBe(1.5);
  }
  expect(places).toHaveLength(12);
  expect(log.report()).toEqual([{ operation: 'gpu.xor', runs: 3, differences: 3, otherFaster: 3 }]);
  expect(log.records()[0]).toMatchObject({
    decisionId: 9,
    chosen: 'typescript',
    other: 'wasm:1',
    chosenMs: 2,
    otherMs: 1,
    difference: 'off by 0.5',
  });
  expect(router.explain(REQUEST).predictions[1].samples).toBe(3);
});

test('a shadow run that fails, or a comparison that does, is a record and no fault of the call', async () => {
  const { router, now } = setting();
  const log = new ShadowLog();
  const run = ({ device }: { device: string }): Promise<string> =>
    device === 'wasm:1' ? Promise.reject(new Error('no kernel')) : Promise.resolve('done');
  const request = { ...REQUEST, device: 'typescript' };
  const { value } = await routedCall(router, request, run, {
    now,
    shadow: { oneOf: 1, compare: () => undefined, log },
  });
  expect(value).toBe('done');
  expect(log.records()[0]).toMatchObject({ otherMs: null, difference: 'failed: no kernel' });
});

test('without another device there is no shadow run', async () => {
  const { router, now } = setting();
  const log = new ShadowLog();
  const request = { ...REQUEST, devices: ['typescript'] };
  const shadow = { oneOf: 1, compare: () => undefined, log };
  await routedCall(router, request, () => Promise.resolve(1), { now, shadow });
  expect(log.records()).toEqual([]);
});

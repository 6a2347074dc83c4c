import { fail } from '@armilla/base';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GONE_MS, REOPEN_PAUSES_MS, Reopening } from './reopening.js';

const gone = fail('DEVICE_UNAVAILABLE', { provider: 'test', detail: 'no card' });

/** A device that fails to open so many times, and what is asked of the clock meanwhile. */
function failing(count: number): {
  reopening: Reopening;
  pausesMs: number[];
  opens: () => number;
  wait: (ms: number) => void;
} {
  let atMs = 0;
  let opens = 0;
  const pausesMs: number[] = [];
  const pause = async (ms: number): Promise<void> => {
    pausesMs.push(ms);
    atMs += ms;
  };
  const open = (): Promise<void> => (++opens <= count ? Promise.reject(gone) : Promise.resolve());
  const reopening = new Reopening(open, { now: () => atMs, pause });
  return { reopening, pausesMs, opens: () => opens, wait: (ms) => (atMs += ms) };
}

test('a device is tried at once, then after growing pauses', async () => {
  const { reopening, pausesMs, opens } = failing(2);
  await Promise.all([reopening.run(), reopening.run()]);
  expect(opens()).toBe(3);
  expect(pausesMs).toEqual(REOPEN_PAUSES_MS.slice(1, 3));
  expect([...REOPEN_PAUSES_MS]).toEqual([...REOPEN_PAUSES_MS].sort((a, b) => a - b));
});

test('one that is gone fails at once for a while, then has one try; when it is back it has them all', async () => {
  const tries = REOPEN_PAUSES_MS.length;
  const { reopening, opens, wait } = failing(tries + 1);
  await expect(reopening.run()).rejects.toBe(gone);
  expect(opens()).toBe(tries);
  wait(GONE_MS - 1);
  await expect(reopening.run()).rejects.toBe(gone);
  expect(opens()).toBe(tries);
  wait(1);
  await expect(reopening.run()).rejects.toBe(gone);
  expect(opens()).toBe(tries + 1);
  await expect(reopening.run()).rejects.toBe(gone);
  wait(GONE_MS);
  await reopening.run();
  expect(opens()).toBe(tries + 2);
  await reopening.run();
  expect(opens()).toBe(tries + 3);
});

test('stopping ends a pause, and nothing is tried any more', async () => {
  let opens = 0;
  const reopening = new Reopening(() => Promise.reject(++opens > 0 ? gone : undefined), {
    now: () => 0,
    pause: (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const run = reopening.run();
  // The first try has failed by then.
  await nextTurn();
  reopening.stop();
  await expect(run).rejects.toMatchObject({ reason: 'DRAINING' });
  await expect(reopening.run()).rejects.toMatchObject({ reason: 'DRAINING' });
  expect(opens).toBe(1);
});

import { Channel, Gate } from '../index.js';

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a gate lets its limit through, in order', async () => {
  const gate = new Gate(2);
  const log: number[] = [];
  const enter = async (id: number): Promise<void> => {
    await gate.enter();
    log.push(id);
  };
  await Promise.all([enter(1), enter(2)]);
  const third = enter(3);
  const fourth = enter(4);
  await tick();
  expect(log).toEqual([1, 2]);
  expect(gate.waitingCount).toBe(2);
  gate.leave();
  await third;
  gate.leave();
  await fourth;
  expect(log).toEqual([1, 2, 3, 4]);
});

test('waiting at a gate ends with the signal and does not lose the place of others', async () => {
  const gate = new Gate(1);
  await gate.enter();
  const abort = new AbortController();
  const refused = gate.enter(abort.signal);
  const next = gate.enter();
  abort.abort(new Error('gone'));
  await expect(refused).rejects.toThrow('gone');
  gate.leave();
  await next;
  expect(gate.waitingCount).toBe(0);
});

test('a channel holds at most its limit and keeps the order', async () => {
  const channel = new Channel<number>(2);
  let sent = 0;
  const producer = (async () => {
    for (let i = 0; i < 10; i++) {
      await channel.send(i);
      sent++;
    }
    channel.close();
  })();
  await tick();
  expect(sent).toBeLessThanOrEqual(2);
  const got: number[] = [];
  for await (const item of channel) got.push(item);
  await producer;
  expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('an error of the producer reaches the reader after the items sent before', async () => {
  const channel = new Channel<number>(8);
  await channel.send(1);
  channel.close(new Error('broken'));
  const got: number[] = [];
  await expect(
    (async () => {
      for await (const item of channel) got.push(item);
    })(),
  ).rejects.toThrow('broken');
  expect(got).toEqual([1]);
});

test('a reader that leaves frees the producer', async () => {
  const channel = new Channel<number>(1);
  const outcomes: boolean[] = [];
  const producer = (async () => {
    for (let i = 0; i < 3; i++) outcomes.push(await channel.send(i));
  })();
  for await (const _ of channel) break;
  await producer;
  expect(outcomes.at(-1)).toBe(false);
});

import { fail } from '@armilla/base';
import { JoinTurns } from './join-turns.js';

const exhausted = () => fail('MEMORY_EXHAUSTED', { needed: '2 MiB', available: '1 MiB', limit: '4 MiB' });

/** A join that runs until it is told how it ends. */
function openJoin() {
  let end: (error?: Error) => void = () => undefined;
  const done = new Promise<string>((resolve, reject) => (end = (error) => (error ? reject(error) : resolve('first'))));
  return { run: () => done, end };
}

test('joins run side by side as long as there is memory for them', async () => {
  const turns = new JoinTurns('4 MiB');
  const again = () => Promise.resolve('again');
  const [a, b] = [openJoin(), openJoin()];
  const both = [turns.run(a.run, again), turns.run(b.run, again)];
  b.end();
  a.end();
  expect(await Promise.all(both)).toEqual(['first', 'first']);
});

test('a join that was short of memory begins anew when the others are done, and all later ones run alone', async () => {
  const turns = new JoinTurns('4 MiB');
  const [short, other] = [openJoin(), openJoin()];
  const told: string[] = [];
  const alone = (name: string) => async () => {
    told.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    told.push(`${name} ends`);
    return name;
  };
  const results = [turns.run(short.run, alone('short')), turns.run(other.run, alone('other'))];
  short.end(exhausted());
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
  const later = turns.run(() => Promise.reject(new Error('not side by side any more')), alone('later'));
  other.end();
  expect(await Promise.all([...results, later])).toEqual(['short', 'first', 'later']);
  expect(told).toEqual(['short begins', 'short ends', 'later begins', 'later ends']);
});

test('a bucket that is too large alone is over the limit, and other failures stay what they are', async () => {
  const turns = new JoinTurns('4 MiB');
  const short = () => Promise.reject(exhausted());
  await expect(turns.run(short, short)).rejects.toMatchObject({ reason: 'MEMORY_OVER_LIMIT' });
  await expect(turns.run(short, () => Promise.reject(new Error('disk')))).rejects.toThrow('disk');
  expect(await turns.run(short, () => Promise.resolve('next'))).toBe('next');
  await turns.settled();
});

import { fail } from '@armilla/base';
import { withinMemory } from './within-memory.js';

const exhausted = () => fail('MEMORY_EXHAUSTED', { needed: '2 MiB', available: '1 MiB', limit: '4 MiB' });

test.each([
  [100, 0, 100, [100]],
  [10, 0, 100, [100, 50, 25, 12, 6]],
  [10, 90, 100, [100]],
  [1, 7, 9, [9, 8]],
])('room for %d rows: from %d to %d it tries ends %j', async (room, from, to, tried) => {
  const ends: number[] = [];
  const { to: end, found } = await withinMemory(from, to, (wanted) => {
    ends.push(wanted);
    return wanted - from > room ? Promise.reject(exhausted()) : Promise.resolve(wanted - from);
  });
  expect(ends).toEqual(tried);
  expect([end, found]).toEqual([tried.at(-1), (tried.at(-1) as number) - from]);
});

test('one row that is too much, and failures of another kind, are not tried again', async () => {
  let tries = 0;
  const failing = (error: Error) => () => {
    tries++;
    return Promise.reject(error);
  };
  await expect(withinMemory(3, 4, failing(exhausted()))).rejects.toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
  await expect(withinMemory(0, 100, failing(new Error('disk')))).rejects.toThrow('disk');
  expect(tries).toBe(2);
});

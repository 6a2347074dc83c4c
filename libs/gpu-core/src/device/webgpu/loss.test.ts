import { Loss } from './loss.js';

test('work that ends leaves nobody waiting, whatever its outcome', async () => {
  const loss = new Loss();
  const fault = new Error('of the work');
  for (let i = 0; i < 100; i++) {
    expect(await loss.orLost(Promise.resolve(i))).toBe(i);
    await expect(loss.orLost(Promise.reject(fault))).rejects.toBe(fault);
  }
  const open = loss.orLost(new Promise(() => undefined));
  expect(loss.waiterCount).toBe(1);
  loss.tell(fault);
  await expect(open).rejects.toBe(fault);
  expect(loss.waiterCount).toBe(0);
});

test('work that never settles ends with the loss, also when it begins after it', async () => {
  const loss = new Loss();
  const never = new Promise<never>(() => undefined);
  const before = [loss.orLost(never), loss.orLost(never)];
  const fault = new Error('lost');
  loss.tell(fault);
  loss.tell(new Error('again'));
  const outcomes = await Promise.allSettled([...before, loss.orLost(never)]);
  expect(outcomes).toEqual(Array(3).fill({ status: 'rejected', reason: fault }));
  expect(loss.waiterCount).toBe(0);
});

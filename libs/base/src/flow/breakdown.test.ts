import { Breakdown } from './breakdown.js';

test('work that ends leaves nobody waiting, whatever its outcome', async () => {
  const breakdown = new Breakdown();
  const fault = new Error('of the work');
  for (let i = 0; i < 100; i++) {
    expect(await breakdown.orBroken(Promise.resolve(i))).toBe(i);
    await expect(breakdown.orBroken(Promise.reject(fault))).rejects.toBe(fault);
  }
  const open = breakdown.orBroken(new Promise(() => undefined));
  expect(breakdown.waiterCount).toBe(1);
  breakdown.tell(fault);
  await expect(open).rejects.toBe(fault);
  expect(breakdown.waiterCount).toBe(0);
});

test('work that never settles ends with the breakdown, also when it begins after it', async () => {
  const breakdown = new Breakdown();
  const never = new Promise<never>(() => undefined);
  const before = [breakdown.orBroken(never), breakdown.orBroken(never)];
  const fault = new Error('broken');
  breakdown.tell(fault);
  breakdown.tell(new Error('again'));
  const outcomes = await Promise.allSettled([...before, breakdown.orBroken(never)]);
  expect(outcomes).toEqual(Array(3).fill({ status: 'rejected', reason: fault }));
  expect(breakdown.waiterCount).toBe(0);
});

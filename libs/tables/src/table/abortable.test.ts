import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { abortable } from './abortable.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('what was taken is not kept, however long the signal lives', async () => {
  const { signal } = new AbortController();
  const taken: WeakRef<Uint8Array>[] = [];
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = new Uint8Array(1000);
      taken.push(new WeakRef(chunk));
      yield chunk;
    }
  };
  const chunks = abortable(source(), signal);
  for (let n = 0; n < 100; n++) await chunks.next();
  await nextTurn();
  collect();
  expect(taken.filter((chunk) => chunk.deref() !== undefined).length).toBeLessThan(10);
  await chunks.return();
});

test('an abort ends a wait for a source that hangs, and one between two waits the next', async () => {
  const hanging = new AbortController();
  const never = async function* (): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => undefined);
  };
  const items = abortable(never(), hanging.signal);
  expect(await items.next()).toEqual({ done: false, value: 1 });
  const wait = items.next();
  hanging.abort(new Error('enough'));
  await expect(wait).rejects.toThrow('enough');

  const between = new AbortController();
  let closed = false;
  const numbers = async function* (): AsyncGenerator<number> {
    try {
      for (let n = 0; ; n++) yield n;
    } finally {
      closed = true;
    }
  };
  const rest = abortable(numbers(), between.signal);
  await rest.next();
  between.abort(new Error('enough'));
  await expect(rest.next()).rejects.toThrow('enough');
  await nextTurn();
  expect(closed).toBe(true);
});

test('a source that hangs while it is closed does not hold its reader beyond the abort', async () => {
  const abort = new AbortController();
  const hanging = {
    next: () => Promise.resolve({ done: false as const, value: 1 }),
    return: () => new Promise<never>(() => undefined),
    [Symbol.asyncIterator]: () => hanging,
  };
  const items = abortable(hanging, abort.signal);
  await items.next();
  const closed = items.return();
  await nextTurn();
  abort.abort(new Error('enough'));
  await expect(closed).rejects.toThrow('enough');
});

test('the error of a source passes, and its end', async () => {
  const { signal } = new AbortController();
  const failing = async function* (): AsyncGenerator<number> {
    yield 1;
    throw new Error('broken');
  };
  const seen: number[] = [];
  await expect(
    (async () => {
      for await (const item of abortable(failing(), signal)) seen.push(item);
    })(),
  ).rejects.toThrow('broken');
  expect(seen).toEqual([1]);
});

import { getEventListeners } from 'node:events';
import { whenAborted } from './when-aborted.js';

test('many listen to a signal with one listener of its own; those that have left hear nothing', () => {
  const abort = new AbortController();
  const heard: number[] = [];
  const listening = Array.from({ length: 50 }, (_, i) => whenAborted(abort.signal, () => heard.push(i)));
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
  for (const one of listening.slice(3)) one[Symbol.dispose]();
  abort.abort();
  abort.abort();
  expect(heard).toEqual([0, 1, 2]);
});

test('one that is aborted already, or not there, is never heard', () => {
  let count = 0;
  for (const signal of [AbortSignal.abort(), undefined]) whenAborted(signal, () => count++)[Symbol.dispose]();
  expect(count).toBe(0);
});

test('one that leaves while others are told is not told', () => {
  const abort = new AbortController();
  const heard: string[] = [];
  whenAborted(abort.signal, () => {
    heard.push('first');
    second[Symbol.dispose]();
  });
  const second = whenAborted(abort.signal, () => heard.push('second'));
  abort.abort();
  expect(heard).toEqual(['first']);
});

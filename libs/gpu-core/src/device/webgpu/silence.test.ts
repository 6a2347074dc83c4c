import { Silence } from './silence.js';

/** A watch of a second, and the looks that it takes. */
function watched(limitMs = 1000) {
  const state = { silent: [] as string[][], everyMs: [] as number[], look: undefined as (() => void) | undefined };
  const silence = new Silence<string>({
    limitMs,
    onSilent: (keys) => state.silent.push([...keys]),
    every: (ms, look) => {
      state.everyMs.push(ms);
      state.look = look;
      return { [Symbol.dispose]: () => (state.look = undefined) };
    },
  });
  const look = (times: number): void => {
    for (let n = 0; n < times; n++) state.look?.();
  };
  return { silence, state, look };
}

test('nothing for the whole limit is silence, told once, whatever others do', () => {
  const { silence, state, look } = watched();
  let progress = 0;
  silence.begin('stuck', () => 7);
  silence.begin('busy', () => progress++);
  expect(state.everyMs).toEqual([250]);
  look(4);
  expect(state.silent).toEqual([]);
  look(1);
  expect(state.silent).toEqual([['stuck']]);
  look(100);
  expect(state.silent).toEqual([['stuck']]);
  silence.end('busy');
  expect(state.look).toBeUndefined();
});

test('each has the whole limit from its own beginning, and again from each step', () => {
  const { silence, state, look } = watched();
  let progress = 0;
  silence.begin('first', () => progress);
  look(3);
  silence.begin('second', () => 0);
  look(1);
  progress++;
  look(3);
  expect(state.silent).toEqual([]);
  look(1);
  expect(state.silent).toEqual([['second']]);
  look(2);
  expect(state.silent).toEqual([['second'], ['first']]);
  expect(state.look).toBeUndefined();
});

test('what has ended is not silent, nor what has no limit', () => {
  const { silence, state, look } = watched();
  silence.begin('ended', () => 0);
  look(4);
  silence.end('ended');
  silence.begin('again', () => 0);
  look(4);
  expect(state.silent).toEqual([]);
  const endless = watched(Infinity);
  endless.silence.begin('slow', () => 0);
  expect(endless.state.everyMs).toEqual([]);
});

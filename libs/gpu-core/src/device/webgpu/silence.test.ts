import { Silence } from './silence.js';

/** What owes answers: how far it is, and the looks that are taken at it. */
function watched(limitMs: number) {
  const state = { progress: 0, silentCount: 0, everyMs: [] as number[], look: undefined as (() => void) | undefined };
  const silence = new Silence({
    limitMs,
    progress: () => state.progress,
    onSilent: () => state.silentCount++,
    every: (ms, look) => {
      state.everyMs.push(ms);
      state.look = look;
      return { [Symbol.dispose]: () => (state.look = undefined) };
    },
  });
  return { silence, state };
}

test('nothing for the whole limit is silence, told once; what is owed later has the whole limit again', () => {
  const { silence, state } = watched(1000);
  silence.owed(true);
  silence.owed(true);
  expect(state.everyMs).toEqual([250]);
  for (let n = 0; n < 3; n++) state.look?.();
  expect(state.silentCount).toBe(0);
  state.look?.();
  expect(state).toMatchObject({ silentCount: 1, look: undefined });
  silence.owed(true);
  for (let n = 0; n < 3; n++) state.look?.();
  expect(state.silentCount).toBe(1);
  state.look?.();
  expect(state.silentCount).toBe(2);
});

test('whoever gets on is not silent, however long it takes; nor who owes nothing, nor who has no limit', () => {
  const { silence, state } = watched(1000);
  silence.owed(true);
  for (let n = 0; n < 100; n++) {
    if (n % 3 === 0) state.progress++;
    state.look?.();
  }
  expect(state.silentCount).toBe(0);
  silence.owed(false);
  expect(state.look).toBeUndefined();
  const endless = watched(Infinity);
  endless.silence.owed(true);
  expect(endless.state.everyMs).toEqual([]);
});

import { SpillClock } from './spill-clock.js';
import { stepSeconds, totalSeconds } from './spill-time.js';

const work = {
  rightRowCount: 2e6,
  leftRowCount: 1e6,
  pairCount: 1e6,
  rightBytes: 28,
  leftBytes: 20,
  pairBytes: 24,
  columnCount: 3,
  rates: { secondsPerRow: 1e-6, secondsPerByte: 1e-9 },
};

test('time grows with each thing that there is more of', () => {
  const seconds = totalSeconds(stepSeconds(work));
  expect(seconds).toBeGreaterThan(3);
  const { rates, ...amounts } = work;
  for (const [name, amount] of Object.entries(amounts))
    expect(totalSeconds(stepSeconds({ ...work, [name]: 2 * amount }))).toBeGreaterThan(seconds);
  for (const [name, rate] of Object.entries(rates))
    expect(totalSeconds(stepSeconds({ ...work, rates: { ...rates, [name]: 2 * rate } }))).toBeGreaterThan(seconds);
  const slower = { secondsPerRow: 2e-6, secondsPerByte: 2e-9 };
  expect(totalSeconds(stepSeconds({ ...work, rates: slower }))).toBeCloseTo(2 * seconds, 9);
});

describe('the clock of a join', () => {
  const planned = { right: 2, left: 2, match: 4, merge: 2 };
  let ms = 0;
  const clock = (): SpillClock => {
    ms = 0;
    return new SpillClock(planned, () => ms);
  };
  const at = (one: SpillClock, seconds: number, step: keyof typeof planned, share: number): number => {
    ms = 1000 * seconds;
    return one.advance(step, share);
  };

  test('runs with the plan where the plan is right', () => {
    const one = clock();
    expect(at(one, 1, 'right', 0.5)).toBeCloseTo(0.1, 9);
    expect(at(one, 2, 'right', 1)).toBeCloseTo(0.2, 9);
    expect(at(one, 4, 'left', 1)).toBeCloseTo(0.4, 9);
    expect(at(one, 6, 'match', 0.5)).toBeCloseTo(0.6, 9);
    expect(at(one, 10, 'merge', 1)).toBe(1);
  });

  test('expects of the steps to come what became of those before', () => {
    const one = clock();
    // Twice as slow as planned: 16 s are left.
    expect(at(one, 4, 'right', 1)).toBeCloseTo(4 / 20, 9);
    expect(at(one, 10, 'left', 1)).toBeCloseTo(10 / 25, 9);
  });

  test('begins with the step that a continued join begins with', () => {
    const one = clock();
    // Half of the match took what was planned: 4 s are left.
    expect(at(one, 2, 'match', 0.5)).toBeCloseTo(2 / 6, 9);
    expect(at(one, 6, 'merge', 1)).toBe(1);
  });

  test('shares out of range are taken as their nearest', () => {
    const one = clock();
    expect(at(one, 1, 'right', -1)).toBeGreaterThanOrEqual(0);
    expect(at(one, 1, 'merge', 7)).toBe(1);
  });
});

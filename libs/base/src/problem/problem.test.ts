import { fail, isProblem, Problem, problemToJson, REASONS, reviveProblem, toProblem } from '../index.js';

test('the message is the catalogue text with the fields filled in', () => {
  const problem = fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: -1 });
  expect(problem.message).toBe('radius_arcsec must be in (0, 648000] arcsec (180 degrees), got -1');
  expect(problem).toMatchObject({ reason: 'RADIUS_OUT_OF_RANGE', code: 'INVALID_ARGUMENT', exit: 2 });
  expect(isProblem(problem)).toBe(true);
});

test('a missing field shows as a question mark and a field named like a prototype property is not looked up', () => {
  expect(fail('INPUT_NOT_FOUND').message).toBe('?: no such file');
});

test('a problem crosses a thread as JSON and comes back the same', () => {
  const problem = fail('QUOTA_EXCEEDED', { limit: '1 GiB', used: 12n, needed: 3 });
  const revived = reviveProblem(JSON.parse(JSON.stringify(problemToJson(problem))));
  expect(revived).toBeInstanceOf(Problem);
  expect(revived.message).toBe(problem.message);
  expect(revived.reason).toBe('QUOTA_EXCEEDED');
  expect(revived.fields).toEqual({ limit: '1 GiB', used: '12', needed: '3' });
});

test('aborts, time-outs and unknown errors become typed problems', async () => {
  expect(toProblem(AbortSignal.abort().reason).reason).toBe('CANCELLED');
  const timeout = AbortSignal.timeout(1);
  await new Promise((resolve) => timeout.addEventListener('abort', resolve));
  expect(toProblem(timeout.reason).reason).toBe('DEADLINE_EXCEEDED');
  const cause = new TypeError('x is not a function');
  expect(toProblem(cause)).toMatchObject({ reason: 'INTERNAL', cause });
  expect(toProblem('text').reason).toBe('INTERNAL');
  const known = fail('DRAINING');
  expect(toProblem(known)).toBe(known);
});

test('the catalogue is in alphabetical order and every message says something', () => {
  const names = Object.keys(REASONS);
  expect(names).toEqual([...names].sort());
  for (const { message } of Object.values(REASONS)) expect(message.length).toBeGreaterThanOrEqual(8);
});

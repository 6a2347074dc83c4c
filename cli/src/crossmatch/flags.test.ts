import { readMatchTask } from './flags.js';

test('what only this process can follow is refused with --server; threads are passed on', () => {
  const flags = { radius: '1', order: 'left', output: 'pairs.csv', server: 'http://127.0.0.1:7431' } as const;
  expect(readMatchTask('left.csv', 'right.csv', { ...flags, workers: '2' }).workerCount).toBe(2);
  expect(() => readMatchTask('left.csv', 'right.csv', { ...flags, memory: '2GiB' })).toThrow(
    expect.objectContaining({ reason: 'OPTIONS_CONFLICT', message: expect.stringContaining('--memory-limit-bytes') }),
  );
});

describe('progress', () => {
  const { stdout } = process;
  afterEach(() => Object.defineProperty(process, 'stdout', { value: stdout }));

  test.each([
    ['is shown beside a result in a file', true, { output: 'pairs.csv' }, true],
    ['is shown beside a result in a pipe', false, { output: '-' }, true],
    ['is not mixed with a result on the terminal', true, { output: '-' }, false],
    ['is not shown when it is not wanted', true, { output: 'pairs.csv', quiet: true }, false],
  ])('%s', (_, isTTY, flags, shown) => {
    Object.defineProperty(process, 'stdout', { value: { isTTY } });
    expect(readMatchTask('left.csv', 'right.csv', { radius: '1', order: 'left', ...flags }).showProgress).toBe(shown);
  });
});

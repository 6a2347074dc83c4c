import { fail } from '@armilla/base';
import { MatchSummary } from '@armilla/proto';
import { MatchResults, MAX_REJECTED_ROWS } from './results.js';

const rejected = (row: number) => ({
  row,
  reason: 'POSITION_NULL' as const,
  column: 'ra, dec',
  value: 'null',
});
const summary = MatchSummary.fromPartial({ rowCount: 5n });

function results(): { of: MatchResults; clock: { ms: number } } {
  const clock = { ms: 0 };
  return { of: new MatchResults(600, () => clock.ms), clock };
}

test('a result is known while it runs and for a time after its end', () => {
  const { of, clock } = results();
  const record = of.open('a');
  record.addRejected(0, rejected(3));
  expect(of.get('a', 10)).toMatchObject({
    summary: undefined,
    failureReason: '',
    rejected: [{ row: 3n, reason: 'POSITION_NULL' }],
  });
  clock.ms = 10_000_000;
  of.close(record, { summary });
  clock.ms += 599_000;
  expect(of.get('a', 0)).toMatchObject({ summary: { rowCount: 5n }, rejected: [] });
  clock.ms += 1000;
  expect(() => of.get('a', 0)).toThrow(expect.objectContaining({ reason: 'RESULT_NOT_FOUND' }));
});

test('a failure is told with its reason', () => {
  const { of } = results();
  of.close(of.open('a'), { failure: fail('CANCELLED') });
  expect(of.get('a', 0)).toMatchObject({ failureReason: 'CANCELLED' });
});

test('of two matches with one id the later is kept', () => {
  const { of } = results();
  const first = of.open('a');
  const second = of.open('a');
  of.close(second, { summary });
  of.close(first, { failure: fail('CANCELLED') });
  expect(of.get('a', 0)).toMatchObject({ summary: { rowCount: 5n }, failureReason: '' });
});

test('each principal has request ids of its own', () => {
  const { of } = results();
  of.close(of.open('a', 'ada'), { summary });
  of.close(of.open('a', 'eve'), { failure: fail('CANCELLED') });
  expect(of.get('a', 0, 'ada')).toMatchObject({ summary: { rowCount: 5n } });
  expect(of.get('a', 0, 'eve')).toMatchObject({ failureReason: 'CANCELLED' });
  for (const principal of ['bob', undefined])
    expect(() => of.get('a', 0, principal)).toThrow(expect.objectContaining({ reason: 'RESULT_NOT_FOUND' }));
});

test('many results and many rejected rows make room for later ones; running ones stay', () => {
  const { of } = results();
  const running = of.open('running');
  for (let i = 0; i < 10_050; i++) of.close(of.open(`r${i}`), { summary });
  expect(() => of.get('r0', 0)).toThrow(expect.objectContaining({ reason: 'RESULT_NOT_FOUND' }));
  expect(of.get('r10049', 0)).toBeDefined();
  for (let i = 0; i < 25; i++) {
    const record = of.open(`big${i}`);
    for (let row = 0; row < MAX_REJECTED_ROWS + 10; row++) record.addRejected(0, rejected(row));
    expect(record.rejectedCount).toBe(MAX_REJECTED_ROWS);
    of.close(record, { summary });
  }
  expect(() => of.get('big0', 0)).toThrow(expect.objectContaining({ reason: 'RESULT_NOT_FOUND' }));
  expect(of.get('big24', MAX_REJECTED_ROWS).rejected).toHaveLength(MAX_REJECTED_ROWS);
  of.close(running, { summary });
  expect(of.get('running', 0)).toBeDefined();
});

test.each([-1, MAX_REJECTED_ROWS + 1])('a limit of %d rejected rows is refused', (limit) => {
  const { of } = results();
  of.close(of.open('a'), { summary });
  expect(() => of.get('a', limit)).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

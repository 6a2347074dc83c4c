import { createLogger } from './logger.js';

test('events are one JSON object per line, with the fields of their parents, and without secrets', () => {
  const lines: string[] = [];
  const log = createLogger({ logLevel: 'info' }, (line) => lines.push(line)).child({ request_id: 'r-1' });
  log.debug('hidden');
  log.info('index built', { rowCount: 3, token: 'secret', headers: { authorization: 'Bearer secret' } });
  expect(lines.length).toBe(1);
  const event = JSON.parse(lines[0]) as Record<string, unknown>;
  expect(event).toMatchObject({ level: 'info', event: 'index built', rowCount: 3, request_id: 'r-1' });
  expect(event.time).toMatch(/^\d{4}-\d\d-\d\dT/);
  expect(lines[0]).not.toContain('secret');
});

import { createLogger } from '../log/logger.js';
import { stopOnSignals } from './stop-signals.js';

test('SIGTERM stops once', async () => {
  let stops = 0;
  const log = createLogger({ logLevel: 'silent' });
  const before = process.listeners('SIGTERM');
  const stopped = stopOnSignals(async () => void stops++, log);
  process.emit('SIGTERM', 'SIGTERM');
  await stopped;
  expect(stops).toBe(1);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    for (const listener of process.listeners(signal)) if (!before.includes(listener)) process.off(signal, listener);
  }
});

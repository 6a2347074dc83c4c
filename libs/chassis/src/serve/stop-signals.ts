import { type Log } from '../log/logger.js';

/** Exit status of a process ended by Ctrl-C, by the shell's custom. */
const EXIT_INTERRUPTED = 130;

/**
 * Runs `stop` at SIGTERM or SIGINT, once; a second signal ends the process now. Returns a promise of the stop, to be
 * awaited by main.
 */
export function stopOnSignals(stop: () => Promise<void>, log: Log): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(EXIT_INTERRUPTED);
      stopping = true;
      log.info('signal', { signal });
      stop().then(resolve, reject);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

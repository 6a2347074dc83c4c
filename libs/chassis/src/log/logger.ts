import { pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
export type LogFields = Readonly<Record<string, unknown>>;

/** Events with fields, one JSON object per line: `log.info('index built', { rowCount, elapsedMs })`. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same log with `fields` in every event. */
  child(fields: LogFields): Log;
}

/** Field names whose values are never written. */
const SECRET_FIELDS = ['authorization', 'token', '*.authorization', '*.token'];

/** Writes to standard error, synchronously: the last events before an exit are the ones that matter. */
export function createLogger(config: { readonly logLevel: LogLevel }, write?: (line: string) => void): Log {
  const options = {
    level: config.logLevel,
    base: { pid: process.pid },
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
    redact: { paths: SECRET_FIELDS, censor: '[redacted]' },
  };
  return wrap(pino(options, write ? { write } : pino.destination({ fd: 2, sync: true })));
}

type PinoLogger = ReturnType<typeof pino>;

function wrap(logger: PinoLogger): Log {
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
    child: (fields) => wrap(logger.child(fields)),
  };
}

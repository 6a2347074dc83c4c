import type { Terminal } from './terminal/terminal.js';

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  /** Aborted by Ctrl-C and by a request to end. */
  readonly signal: AbortSignal;
  /** Ends with this code instead of 0. */
  exit(code: number): void;
}

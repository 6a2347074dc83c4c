import { CommanderError } from 'commander';
import { fail } from '@armilla/base';
import { problemText } from './terminal/problem-text.js';
import { Terminal } from './terminal/terminal.js';
import { makeProgram } from './program.js';

const INTERRUPTED = 130;

/**
 * Runs one command line (without node and script) and gives the exit code: 0, 1 a regression, 2 usage, 65 bad data, 66 no input,
 * 69 unavailable, 70 bug, 73 cannot create output, 74 I/O, 77 permission, 130 interrupted.
 */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = new Terminal();
  const stop = new AbortController();
  let interrupted = false;
  const interrupt = (): void => {
    // The second time, the user means it.
    if (interrupted) process.exit(INTERRUPTED);
    interrupted = true;
    stop.abort(fail('CANCELLED'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // A reader of the terminal's side that has gone shows as a failing write, not as a crash.
  process.stderr.on('error', () => undefined);
  let code = 0;
  try {
    const program = await makeProgram({ terminal, signal: stop.signal, exit: (wanted) => (code = wanted) }, args);
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    terminal.clear();
    // Commander has told its own errors already; asking for help or the version is none.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (interrupted) {
      terminal.line('interrupted; nothing was left half written');
      return INTERRUPTED;
    }
    const { exit, text } = problemText(error);
    if (text !== '') terminal.error(text);
    return exit;
  } finally {
    process.removeListener('SIGINT', interrupt);
    process.removeListener('SIGTERM', interrupt);
  }
}

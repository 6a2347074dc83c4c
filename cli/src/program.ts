import { createRequire } from 'node:module';
import { Command } from 'commander';
import { benchCommand } from './bench/command.js';
import type { CommandContext } from './command-context.js';
import { crossmatchCommand } from './crossmatch/command.js';
import { demoCommand } from './demo/command.js';
import { doctorCommand } from './doctor/command.js';
import { serveCommand } from './serve/command.js';
import { statusCommand } from './serve/status.js';

/** The whole command line. */
export function makeProgram(context: CommandContext): Command {
  const { version } = createRequire(import.meta.url)('@armilla/cli/package.json') as { version: string };
  const program = new Command('armilla')
    .description('Computes on star catalogs: matches them on the sky, from files or as a service.')
    .version(version)
    .showSuggestionAfterError(true)
    .showHelpAfterError("(see 'armilla --help')")
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES);
  for (const make of [crossmatchCommand, serveCommand, statusCommand, doctorCommand, demoCommand, benchCommand]) {
    const command = make(context);
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .showHelpAfterError(`(see 'armilla ${command.name()} --help')`);
    program.addCommand(command);
  }
  return program.exitOverride();
}

const EXAMPLES = `Examples:
  armilla crossmatch gaia.parquet mine.csv --radius 1arcsec --output pairs.parquet
  armilla crossmatch --self mine.csv --radius 2 | head
  armilla serve --table gaia=gaia.parquet
  armilla demo
`;

const EXIT_CODES = `
Exit codes: 0 ok, 2 usage, 65 bad data, 66 no input, 69 unavailable, 70 bug, 73 cannot create output, 74 input/output,
77 not permitted, 130 interrupted. Results go to standard output or a file, messages to standard error. NO_COLOR is honoured.`;

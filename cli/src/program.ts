import { createRequire } from 'node:module';
import { Command } from 'commander';
import type { CommandContext } from './command-context.js';

type MakeCommand = (context: CommandContext) => Command;

/** The commands in the order of the help; each is loaded when it is needed: a match of two files has no use for a server. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  crossmatch: async () => (await import('./crossmatch/command.js')).crossmatchCommand,
  convert: async () => (await import('./convert/command.js')).convertCommand,
  merge: async () => (await import('./convert/command.js')).mergeCommand,
  serve: async () => (await import('./serve/command.js')).serveCommand,
  status: async () => (await import('./status/command.js')).statusCommand,
  router: async () => (await import('./router/command.js')).routerCommand,
  profile: async () => (await import('./profile/command.js')).profileCommand,
  doctor: async () => (await import('./doctor/command.js')).doctorCommand,
  demo: async () => (await import('./demo/command.js')).demoCommand,
  bench: async () => (await import('./bench/command.js')).benchCommand,
};

/** The command line as far as `args` need it: one command, or all of them for help and for misspelt names. */
export async function makeProgram(context: CommandContext, args: readonly string[]): Promise<Command> {
  const { version } = createRequire(import.meta.url)('@armilla/cli/package.json') as { version: string };
  const program = new Command('armilla')
    .description('Computes on star catalogs: matches them on the sky, from files or as a service, and converts them.')
    .version(version)
    .showSuggestionAfterError(true)
    .showHelpAfterError("(see 'armilla --help')")
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', EXIT_CODES);
  const names = Object.hasOwn(COMMANDS, args[0] ?? '') ? [args[0]] : Object.keys(COMMANDS);
  for (const name of names) {
    const command = (await COMMANDS[name]())(context);
    command
      .exitOverride()
      .showSuggestionAfterError(true)
      .showHelpAfterError(`(see 'armilla ${command.name()} --help')`);
    program.addCommand(command);
  }
  // What stands behind a command belongs to it and to its own subcommands.
  return program.enablePositionalOptions().exitOverride();
}

const EXAMPLES = `Examples:
  armilla crossmatch gaia.parquet mine.csv --radius 1arcsec --output pairs.parquet
  armilla crossmatch --self mine.csv --radius 2 | head
  armilla convert gaia.csv.gz gaia.parquet
  armilla serve --table gaia=gaia.parquet
  armilla demo
`;

const EXIT_CODES = `
Exit codes: 0 ok, 1 a regression (profile compare --gate), 2 usage, 65 bad data, 66 no input, 69 unavailable, 70 bug, 73 cannot create output, 74 input/output,
77 not permitted, 130 interrupted. Results go to standard output or a file, messages to standard error. NO_COLOR is honoured.`;

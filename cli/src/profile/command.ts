import { Command, Option } from 'commander';
import { PROFILE_FORMATS, type ProfileFormatName } from '@armilla/chassis';
import { checkOutput, writeFileOutput } from '@armilla/tables';
import type { CommandContext } from '../command-context.js';
import { reachServer } from '../server/named-server.js';
import { STANDARD } from '../table/flags.js';
import { printBytes } from '../terminal/standard-output.js';
import { compareCommand } from './compare.js';
import { showCommand } from './show.js';

interface ProfileFlags {
  readonly server?: string;
  readonly format?: ProfileFormatName;
  readonly output: string;
  readonly overwrite?: boolean;
}

/** Ends of names that say what a profile is. */
const ENDS: readonly (readonly [string, ProfileFormatName])[] = [
  ['.trace.json', 'chrome-trace'],
  ['.speedscope.json', 'speedscope'],
  ['.pb.gz', 'pprof'],
  ['.pprof', 'pprof'],
  ['.html', 'html'],
];

/** `armilla profile`. */
export function profileCommand(context: CommandContext): Command {
  const compare = compareCommand(context).exitOverride().showSuggestionAfterError(true);
  const show = showCommand(context).exitOverride().showSuggestionAfterError(true);
  return new Command('profile')
    .description('Take or show what the profiler of a running server holds, or compare two profiles (docs/profile.md).')
    .option('--server <url>', 'the server (default: the address that serve takes, http://127.0.0.1:7431)')
    .addOption(
      new Option(
        '-f, --format <name>',
        "what to write (default: by the output's name: .trace.json, .speedscope.json, .pb.gz or .pprof, .html; else json)",
      ).choices([...PROFILE_FORMATS]),
    )
    .option('-o, --output <file>', 'where it goes: a file, or - for standard output', STANDARD)
    .option('--overwrite', 'replace the output if it exists')
    .addHelpText('before', EXAMPLES)
    .enablePositionalOptions()
    .addCommand(show.showHelpAfterError("(see 'armilla profile show --help')"))
    .addCommand(compare.showHelpAfterError("(see 'armilla profile compare --help')"))
    .helpCommand(false)
    .action((flags: ProfileFlags) => download(flags, context));
}

const EXAMPLES = `Examples:
  armilla profile show
  armilla profile -o before.json
  armilla profile -o run.trace.json      # for https://ui.perfetto.dev
  armilla profile -o run.html
  armilla profile compare before.json after.json --gate
`;

async function download(
  { server, format, output, overwrite }: ProfileFlags,
  { signal }: CommandContext,
): Promise<void> {
  const wanted = format ?? ENDS.find(([end]) => output.endsWith(end))?.[1] ?? 'json';
  if (output !== STANDARD) await checkOutput(output, { overwrite });
  const { client } = await reachServer(server, signal);
  const bytes = await client.bytes(`v1/runtime/profile?format=${wanted}`, signal);
  if (output === STANDARD) await printBytes(bytes);
  else await writeFileOutput(output, bytes, { overwrite, signal });
}

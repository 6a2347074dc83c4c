import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { fail } from '@armilla/base';
import type { CommandContext } from '../command-context.js';

/** `armilla bench`: hands over to the benchmarks, which only a checkout has, with all arguments as they are. */
export function benchCommand(context: CommandContext): Command {
  return new Command('bench')
    .description('Measure this machine, beside other programs where they can be installed.')
    .argument('[arguments...]', 'what to measure, and how; see below', ['crossmatch', '--help'])
    .allowUnknownOption()
    .addHelpText('before', EXAMPLES)
    .addHelpText('after', OPTIONS)
    .action(async (args: readonly string[]) => {
      const entry = fileURLToPath(new URL('../../../bench/dist/main.js', import.meta.url));
      if (!existsSync(entry)) throw fail('INPUT_NOT_FOUND', { where: entry });
      const child = spawn(process.execPath, [entry, ...args], { stdio: 'inherit' });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      context.exit(code ?? 130);
    });
}

const EXAMPLES = `Examples:
  armilla bench crossmatch --quick
  armilla bench crossmatch --peers --json
`;

const OPTIONS = `
crossmatch --peers (other programs in the same run), --json (one object per case), --quick (small tables),
--only TEXT (cases whose name contains TEXT), --list (names of the cases).`;

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { fail } from '@armilla/base';
import type { CommandContext } from '../command-context.js';

/** `armilla bench`: hands over to the benchmarks, which only a checkout has. */
export function benchCommand(context: CommandContext): Command {
  return new Command('bench')
    .description('Measure this machine, beside other programs where they can be installed.')
    .argument('[operation]', 'what to measure', 'crossmatch')
    .option('--peers', 'measure other programs in the same run, installed under bench/peers/.venv')
    .option('--quick', 'small tables and few repetitions: shows that everything runs, not how fast')
    .option('--case <text>', 'only cases whose name contains this text')
    .option('--json', 'one JSON object per case')
    .action(async (operation: string, flags: { peers?: boolean; quick?: boolean; case?: string; json?: boolean }) => {
      const entry = fileURLToPath(new URL('../../../bench/dist/main.js', import.meta.url));
      if (!existsSync(entry)) throw fail('INPUT_NOT_FOUND', { where: entry });
      const args = [
        operation,
        ...(['peers', 'quick', 'json'] as const).flatMap((name) => (flags[name] ? [`--${name}`] : [])),
        ...(flags.case === undefined ? [] : ['--case', flags.case]),
      ];
      const child = spawn(process.execPath, ['--expose-gc', entry, ...args], { stdio: 'inherit' });
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      context.exit(code ?? 130);
    });
}

import { Command, Option } from 'commander';
import { isProblem } from '@armilla/base';
import type { CommandContext } from '../command-context.js';
import { printLine } from '../terminal/standard-output.js';
import { localStatus } from './local-status.js';
import { serverStatus } from './server-status.js';

interface StatusFlags {
  readonly server?: string;
  readonly local?: boolean;
  readonly json?: boolean;
}

/** `armilla status`. */
export function statusCommand({ signal, terminal }: CommandContext): Command {
  return new Command('status')
    .description(
      'Ask a running server how it is, what it computes on and which tables it keeps; or look at the devices of this machine.',
    )
    .option('--server <url>', 'the server (default: the address that serve takes, http://127.0.0.1:7431)')
    .addOption(
      new Option('--local', 'the devices of this machine, as a server would find them; needs none').conflicts('server'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action(async ({ local, server, json }: StatusFlags) => {
      const show = async ({ data, text }: { data: unknown; text: string }): Promise<void> =>
        printLine(json ? JSON.stringify(data) : text);
      if (local) return await show(await localStatus(terminal));
      try {
        await show(await serverStatus(server, signal));
      } catch (error) {
        // Nobody was named: this machine is what is left to ask.
        if (server === undefined && isProblem(error) && error.reason === 'SERVER_UNAVAILABLE')
          await show(await localStatus(terminal));
        throw error;
      }
    });
}

const EXAMPLES = `Examples:
  armilla status
  armilla status --local
  armilla status --server https://armilla.example.org:7431 --json
`;

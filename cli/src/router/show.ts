import { Command } from 'commander';
import { renderRouter, type RouterView } from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { reachServer } from '../server/named-server.js';
import { printLine } from '../terminal/standard-output.js';
import { withLocalRouter } from './local-router.js';
import { routerOfStatus } from './router-of-status.js';

interface ShowFlags {
  readonly server?: string;
  readonly json?: boolean;
}

/** `armilla router show`. */
export function showCommand({ signal, terminal }: CommandContext): Command {
  return new Command('show')
    .description(
      'What the router knows: how fast each operation is on each device, and which device wins from which size.',
    )
    .option('--server <url>', 'the router of a running server (default: what is stored for this machine)')
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action(async ({ server, json }: ShowFlags) => {
      const view =
        server === undefined
          ? await withLocalRouter(terminal, (router) => router.view())
          : await viewOf(server, signal);
      if (json) await printLine(JSON.stringify(snakeCaseKeys(view)));
      else {
        await printLine(`devices: ${view.devices.map(({ id }) => id).join(', ')}`);
        await printLine(renderRouter(view).trimEnd());
        if (view.operations.length === 0) await printLine('armilla router calibrate measures them (docs/router.md)');
      }
    });
}

const EXAMPLES = `Examples:
  armilla router show
  armilla router show --server http://127.0.0.1:7431 --json
`;

async function viewOf(server: string, signal: AbortSignal): Promise<RouterView> {
  const { client } = await reachServer(server, signal);
  return routerOfStatus(await client.get('v1/runtime/status', signal));
}

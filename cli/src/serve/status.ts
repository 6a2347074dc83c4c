import { Command } from 'commander';
import { fail } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import type { CommandContext } from '../command-context.js';
import { serverUrl } from '../crossmatch/flags.js';
import { ServerClient } from '../server/server-client.js';
import { printLine } from '../terminal/standard-output.js';

interface StoredTable {
  readonly name: string;
  readonly row_count: number;
  readonly size_bytes: number;
  readonly expire_time?: string;
}

/** `armilla status`. */
export function statusCommand({ signal }: CommandContext): Command {
  return new Command('status')
    .description('Ask a running server how it is and which tables it keeps.')
    .option('--server <url>', 'the server (default: the address that serve takes, http://127.0.0.1:7431)')
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action(async (flags: { server?: string; json?: boolean }) => {
      const server = serverUrl(flags.server ?? `http://${loadConfig({ env: process.env }).httpAddress}`);
      const client = new ServerClient(server, process.env.ARMILLA_TOKEN);
      const health = await client.get('healthz', signal).catch((error: unknown) => {
        throw flags.server === undefined
          ? fail(
              'SERVER_UNAVAILABLE',
              {
                target: server.href,
                detail: 'no server runs there; start one with armilla serve, or name another with --server',
              },
              { cause: error },
            )
          : error;
      });
      const ready = await client.get('readyz', signal, true);
      const { tables = [] } = (await client.get('v1/crossmatch/tables', signal)) as { tables?: StoredTable[] };
      if (flags.json) await printLine(JSON.stringify({ server: server.href, health, ready, tables }));
      else {
        await printLine(`${server.href} answers: ${JSON.stringify(health)}, ready: ${JSON.stringify(ready)}`);
        if (tables.length === 0) await printLine('no stored tables');
        for (const { name, row_count, size_bytes, expire_time } of tables) {
          await printLine(`${name}\t${row_count} rows\t${size_bytes} bytes\tuntil ${expire_time ?? 'it is deleted'}`);
        }
      }
    });
}

const EXAMPLES = `Examples:
  armilla status
  armilla status --server https://armilla.example.org:7431 --json
`;

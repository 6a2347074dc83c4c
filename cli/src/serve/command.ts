import { once } from 'node:events';
import { Argument, Command } from 'commander';
import { formatCount } from '@armilla/base';
import { CONFIG_KEYS, type ConfigKey, loadConfig } from '@armilla/chassis';
import type { CommandContext } from '../command-context.js';
import { printLine } from '../terminal/standard-output.js';
import { type ArmillaServer, type Hosted, HOSTED, startServer } from './server.js';
import { parseNamedTable } from './store-table.js';

type ServeFlags = Readonly<Record<string, string | readonly string[] | undefined>> & {
  readonly table: readonly string[];
  readonly listen?: string;
  readonly port?: string;
  readonly config?: string;
};

/** `armilla serve`. */
export function serveCommand(context: CommandContext): Command {
  const command = new Command('serve')
    .description(
      'Serve matches over HTTP and gRPC, in one process, until Ctrl-C or SIGTERM (which let running calls finish).',
    )
    .addArgument(new Argument('[parts...]', 'what to host (default: all)').choices([...HOSTED]))
    .option(
      '-t, --table <name=file>',
      'load, index and keep a table under a name; may be repeated',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('-l, --listen <host:port>', 'address of the HTTP gateway, the same as --http-address')
    .option('-p, --port <port>', 'port of the HTTP gateway on this machine; 0 takes a free one')
    .option('--config <file>', 'JSON file of settings');
  for (const [key, entry] of Object.entries(CONFIG_KEYS) as [string, ConfigKey][]) {
    command.option(
      `--${key.replaceAll('_', '-')} <${entry.unit || 'value'}>`,
      `${entry.sentence}${entry.default === '' ? '' : ` (default: ${entry.default})`}`,
    );
  }
  return command
    .addHelpText('before', EXAMPLES)
    .addHelpText(
      'after',
      '\nEvery setting can also be given as ARMILLA_NAME in the environment; flags win. docs/config.md explains them.',
    )
    .action((parts: Hosted[], flags: ServeFlags) => runServer(parts, flags, context));
}

async function runServer(
  parts: readonly Hosted[],
  { table, listen, port, config: file, ...settings }: ServeFlags,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context;
  const address = listen ?? (port === undefined ? undefined : `127.0.0.1:${port}`);
  const flags: Record<string, string | undefined> = {
    ...(settings as Record<string, string>),
    ...(address !== undefined && { httpAddress: address }),
  };
  // On a terminal people read along; the log is for machines.
  if (terminal.isTty && process.env.ARMILLA_LOG_LEVEL === undefined) flags.logLevel ??= 'warn';
  const config = loadConfig({ flags, env: process.env, file });
  const tables = table.map(parseNamedTable);
  const starting = startServer({
    config,
    hosted: parts.length > 0 ? parts : undefined,
    tables,
    signal,
    onStored: (name, rowCount) => terminal.line(`table '${name}': ${formatCount(rowCount, 'row')}, indexed`),
  });
  await using server = await starting.catch((error: unknown) => {
    // Asked to end before it served, it has ended as one that served does.
    if (signal.aborted) return undefined;
    throw error;
  });
  if (server === undefined) return;
  await printLine(invitation(server, tables[0]?.name));
  if (!signal.aborted) await once(signal, 'abort');
  await server.stop();
}

/** One line: where it serves, and a request to try. */
export function invitation({ url, grpcAddress }: ArmillaServer, tableName?: string): string {
  if (url === undefined) return `serving gRPC at ${grpcAddress}`;
  const request =
    tableName === undefined
      ? `-F right=@right.csv -F left=@left.csv '${url}/v1/crossmatch?radius=1arcsec&format=csv'`
      : `--data-binary @left.csv '${url}/v1/crossmatch?right=${tableName}&radius=1arcsec&format=csv'`;
  return `serving ${url}${grpcAddress === undefined ? '' : ` (gRPC at ${grpcAddress})`}; try: curl ${request}`;
}

const EXAMPLES = `Examples:
  armilla serve
  armilla serve --table gaia=gaia.parquet --port 8080
  armilla serve crossmatch --grpc-address 127.0.0.1:7430
  armilla serve gateway --crossmatch-target 127.0.0.1:7430
`;

import { once } from 'node:events';
import { freemem } from 'node:os';
import { Command } from 'commander';
import { fail, formatBytes, formatCount, isProblem, parseAngleArcsec } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import { machineLimits } from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { type ArmillaServer, startServer } from '../serve/server.js';
import { ServerClient } from '../server/server-client.js';
import { printLine } from '../terminal/standard-output.js';
import { keepServing } from './keep-serving.js';
import { matchField } from './match-field.js';
import { addsUp, firstRowsText, matchText, titleText } from './report.js';
import { type DemoField, simulate } from './simulation.js';

const SEED = 20261121;
const LARGE_ROW_COUNT = 10_000_000;
/** What ten million rows a side take at most: both catalogs, the index, and what is under way. */
const LARGE_MEMORY_BYTES = 6 * 2 ** 30;
/** When the first match ends later than this, ten times as many rows would not end within half a minute. */
const LARGE_LATEST_SECONDS = 12;

interface DemoFlags {
  readonly rows: string;
  readonly radius: string;
  readonly large: boolean;
  readonly serve: boolean;
}

/** `armilla demo`. */
export function demoCommand(context: CommandContext): Command {
  return new Command('demo')
    .description(
      'Start a server, make two catalogs with known truth, match them over HTTP, and show how well and how fast.',
    )
    .option('--rows <number>', 'sources per catalog', '1000000')
    .option('--radius <angle>', 'largest separation', '1arcsec')
    .option('--no-large', `leave out the second match, of ${formatCount(LARGE_ROW_COUNT)} sources a side`)
    .option('--no-serve', 'end when the matches are done, also on a terminal')
    .addHelpText('before', EXAMPLES)
    .action((flags: DemoFlags) => runDemo(flags, context));
}

const EXAMPLES = `Examples:
  armilla demo
  armilla demo --rows 100000 --no-large --no-serve
`;

async function runDemo(flags: DemoFlags, context: CommandContext): Promise<void> {
  const { terminal, signal } = context;
  const radiusArcsec = parseAngleArcsec(flags.radius, '--radius');
  const rowCount = Number(flags.rows);
  if (!Number.isInteger(rowCount) || rowCount < 1000 || rowCount > 50_000_000) {
    throw fail('OPTION_INVALID', {
      field: '--rows',
      expected: 'a whole number in [1000, 50000000]',
      got: `'${flags.rows}'`,
    });
  }
  const { coreCount, memoryBytes } = machineLimits();
  await printLine(
    `Armilla demo: ${coreCount} cores, ${formatBytes(memoryBytes)} of memory, Node.js ${process.versions.node}`,
  );
  const simulating = simulate({ seed: SEED, rowCount, radiusArcsec }, signal);
  // Awaited below; a failure in the meantime is told there.
  simulating.catch(() => undefined);
  await using server = await startDemoServer();
  const url = server.url as string;
  await printLine(`gateway and crossmatch service run at ${url}`);
  const client = new ServerClient(new URL(url), undefined);

  const field = await simulating;
  const freeBytes = Math.min(memoryBytes, freemem());
  const roomy = rowCount < LARGE_ROW_COUNT && freeBytes >= LARGE_MEMORY_BYTES;
  await runField(client, field, radiusArcsec, context);
  const seconds = (Date.now() - performance.timeOrigin) / 1000;
  if (flags.large && roomy && seconds < LARGE_LATEST_SECONDS) {
    terminal.line(`\nmaking ${formatCount(LARGE_ROW_COUNT)} sources a side …`);
    const large = await simulate({ seed: SEED + 1, rowCount: LARGE_ROW_COUNT, radiusArcsec }, signal);
    await runField(client, large, radiusArcsec, context);
  } else if (flags.large && rowCount < LARGE_ROW_COUNT) {
    const why = roomy
      ? `the first match ended after ${seconds.toFixed(0)} s`
      : `that takes ${formatBytes(LARGE_MEMORY_BYTES)} of memory, ${formatBytes(freeBytes)} are free`;
    await printLine(`\nleft out: the same with ${formatCount(LARGE_ROW_COUNT)} sources a side (${why})`);
  }
  if (flags.serve && process.stdout.isTTY) {
    await keepServing(url, field, signal);
    if (!signal.aborted) await once(signal, 'abort');
  } else {
    await printLine('\nto serve your own tables: ./armilla serve --table NAME=FILE');
  }
}

/** At the usual address where it is free. */
async function startDemoServer(): Promise<ArmillaServer> {
  const quiet = { logLevel: 'error', grpcAddress: '127.0.0.1:0' };
  try {
    return await startServer({ config: loadConfig({ env: process.env, flags: quiet }) });
  } catch (error) {
    if (!isProblem(error) || error.reason !== 'ADDRESS_IN_USE') throw error;
    return startServer({ config: loadConfig({ env: process.env, flags: { ...quiet, httpAddress: '127.0.0.1:0' } }) });
  }
}

async function runField(
  client: ServerClient,
  field: DemoField,
  radiusArcsec: number,
  { terminal, signal }: CommandContext,
): Promise<void> {
  terminal.clear();
  await printLine(`\n${titleText(field, radiusArcsec)}`);
  const rowCount = field.left.rowCount + field.right.rowCount;
  const match = await matchField(client, field, radiusArcsec, signal, {
    onFirstBatch: async (batch, seconds) => {
      terminal.clear();
      await printLine(firstRowsText(batch, seconds));
    },
    onProgress: (sent, found, seconds) =>
      terminal.progress(() => {
        const share = ((100 * sent) / rowCount).toFixed(0);
        return `  ${share} % of ${formatCount(rowCount)} rows sent, ${formatCount(found)} matched, ${seconds.toFixed(1)} s`;
      }),
  });
  terminal.clear();
  await printLine(matchText(field, match, process.resourceUsage().maxRSS * 1024));
  const { left, right } = match.summary;
  if (!addsUp(left, field.left.rowCount) || !addsUp(right, field.right.rowCount))
    throw new Error('the rows of the summary do not add up');
}

import { Command } from 'commander';
import { fail } from '@armilla/base';
import { renderDecision, routedOperation } from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { reachServer } from '../server/named-server.js';
import { printLine } from '../terminal/standard-output.js';
import type { Terminal } from '../terminal/terminal.js';
import { withLocalRouter } from './local-router.js';

interface ExplainFlags {
  readonly dtype?: string;
  readonly server?: string;
  readonly json?: boolean;
}

interface Explained {
  readonly decision: unknown;
  readonly text: string;
}

/** `armilla router explain <operation> <size>`. */
export function explainCommand({ signal, terminal }: CommandContext): Command {
  return new Command('explain')
    .description('Which device the router would choose for a call, and why; nothing is computed or measured.')
    .argument('<operation>', 'for example gpu.matmul')
    .argument('<size>', 'as the operation counts: edge of square matrices, values of a vector')
    .option('--dtype <type>', 'type of the elements: f32, f64, u8 (default: the first that the operation has)')
    .option('--server <url>', 'ask the router of a running server (default: that of this machine)')
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action(async (operation: string, size: string, { dtype, server, json }: ExplainFlags) => {
      if (!/^[1-9]\d*$/.test(size))
        throw fail('OPTION_INVALID', { field: 'size', expected: 'a whole number from 1', got: `'${size}'` });
      const { decision, text } =
        server === undefined
          ? await explainHere(terminal, operation, Number(size), dtype)
          : await explainThere(server, { operation, size, ...(dtype !== undefined && { dtype }) }, signal);
      await printLine(json ? JSON.stringify(decision) : text.trimEnd());
    });
}

const EXAMPLES = `Examples:
  armilla router explain gpu.matmul 1024
  armilla router explain gpu.add 1000000 --dtype f64 --json
`;

function explainHere(terminal: Terminal, operation: string, n: number, dtype: string | undefined): Promise<Explained> {
  return withLocalRouter(terminal, (dispatcher) => {
    const { meaning } = routedOperation(operation);
    const decision = dispatcher.explain(operation, n, dtype);
    return { decision: snakeCaseKeys(decision), text: `size ${n}: ${meaning}\n${renderDecision(decision)}` };
  });
}

async function explainThere(server: string, query: Record<string, string>, signal: AbortSignal): Promise<Explained> {
  const { client } = await reachServer(server, signal);
  return (await client.get(`v1/runtime/explain?${new URLSearchParams(query)}`, signal)) as Explained;
}

import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { decisionCost, decisionCostLines } from './decision.js';
import { machineLosses, machineLossLines } from './losses.js';
import { mixedLines, mixedWorkload } from './mixed.js';
import { realLosses, realLossLines } from './real.js';

const HELP = `Usage: npm run bench -- router [options]

Measures a decision of the router and what a finished call costs it, in microseconds on this machine; and the total time of
a router against an oracle that knows every cost, on simulated machines with 12 % noise and 40 % resident operands, and with
the backends of this machine.

Options:
  --json   one JSON object per result on standard output
  --quick  fewer repetitions and seeds: tries the benchmark, not the machine
`;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const write = (result: object, lines: readonly string[]): void =>
  void process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n\n`);

const machine = describeMachine();
write({ machine }, [machineLine(machine)]);
const cost = await decisionCost(values.quick ? 3 : 11);
write(cost, decisionCostLines(cost));
for (const name of ['fast-gpu', 'slow-stack', 'weak-gpu'] as const) {
  const losses = await machineLosses(name, values.quick ? 3 : 20);
  write(losses, machineLossLines(losses));
}
const real = await realLosses({ quick: values.quick });
write(real, realLossLines(real));
const mixed = await mixedWorkload({ quick: values.quick });
write(mixed, mixedLines(mixed));

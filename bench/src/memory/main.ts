import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { runMemoryBench } from './pool.js';

const HELP = `Usage: npm run bench -- memory [options]

Measures what a lease of device memory and its release cost on this machine, in nanoseconds, and what share of a mixed
workload comes out of the pool. The device is simulated: the times are those of the pool alone.

Options:
  --json   one JSON object per result on standard output
  --quick  fewer repetitions: tries the benchmark, not the machine
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

const machine = describeMachine();
process.stdout.write(values.json ? `${JSON.stringify({ machine })}\n` : `${machineLine(machine)}\n\n`);
for (const row of runMemoryBench({ quick: values.quick })) {
  const figures =
    'hit_rate' in row
      ? `hits ${(row.hit_rate * 100).toFixed(2)} %  waste ${(row.waste * 100).toFixed(1)} %  reserved ${row.reserved_ratio.toFixed(2)}x`
      : `min ${row.min_ns.toFixed(0)} ns  median ${row.median_ns.toFixed(0)} ns`;
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${row.case.padEnd(48)} ${figures}\n`);
}

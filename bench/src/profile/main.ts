import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { runProfileBench } from './overhead.js';

const HELP = `Usage: npm run bench -- profile [options]

Measures what a span of the profiler costs on this machine, on and off, in nanoseconds.

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
for (const row of runProfileBench({ quick: values.quick })) {
  const figures = `min ${row.minNsPerSpan.toFixed(1)} ns  median ${row.medianNsPerSpan.toFixed(1)} ns`;
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${row.case.padEnd(30)} ${figures}\n`);
}

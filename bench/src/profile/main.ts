import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { runKernelShare } from './kernel.js';
import { runProfileBench } from './overhead.js';

const HELP = `Usage: npm run bench -- profile [options]

Measures what a span of the profiler costs on this machine, on and off, in nanoseconds, and how much slower a
crossmatch becomes by it.

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
const rows = runProfileBench({ quick: values.quick });
for (const row of rows) {
  const figures = `min ${row.minNsPerSpan.toFixed(1)} ns  median ${row.medianNsPerSpan.toFixed(1)} ns`;
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${row.case.padEnd(30)} ${figures}\n`);
}
const nsPerSpan = rows.find((row) => row.case === 'begin, add, end')?.medianNsPerSpan ?? NaN;
const share = await runKernelShare(nsPerSpan, { quick: values.quick });
process.stdout.write(
  values.json
    ? `${JSON.stringify({ case: 'crossmatch', ...share })}\n`
    : `\ncrossmatch of ${share.rows} x ${share.rows} rows, ${share.repeats} times each, in turns: with ${share.onMedianMs.toFixed(1)} ms, without ` +
        `${share.offMedianMs.toFixed(1)} ms (medians)\nwith / without: ${share.onByOff.toFixed(4)} (middle half of the pairs ` +
        `${share.onByOffQuartiles.map((ratio) => ratio.toFixed(3)).join(' to ')})\n${share.spansPerCrossmatch} spans a crossmatch: ` +
        `${(share.accountedShare * 100).toFixed(4)} % of its time\n`,
);

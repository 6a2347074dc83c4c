import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { type LeakAlarms, leakAlarms } from './leaks.js';
import { type Oversubscription, oversubscription } from './oversubscription.js';
import { type LeaseTime, type MixedUse, runMemoryBench } from './pool.js';

const HELP = `Usage: npm run bench -- memory [options]

Measures what a lease of device memory and its release cost on this machine, in nanoseconds, what share of a mixed workload
comes out of the pool, what happens when three times as much is wanted as there is, and how soon leaks are told. The device
is simulated: the times are those of the pool alone, and the seconds of leaks those of a simulated clock.

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

type Row = LeaseTime | MixedUse | Oversubscription | LeakAlarms;

const machine = describeMachine();
process.stdout.write(values.json ? `${JSON.stringify({ machine })}\n` : `${machineLine(machine)}\n\n`);
const write = (row: Row): void =>
  void process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${row.case.padEnd(48)} ${figuresOf(row)}\n`);
for (const row of runMemoryBench({ quick: values.quick })) write(row);
write(await oversubscription(values.quick ? 3 : 100));
write(leakAlarms(values.quick ? 2 : 100));

function figuresOf(row: Row): string {
  const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;
  if ('hit_rate' in row) {
    return `hits ${percent(row.hit_rate, 2)}  waste ${percent(row.waste)}  reserved ${row.reserved_ratio.toFixed(2)}x`;
  }
  if ('asked_ratio' in row) {
    const { asked_ratio, requests, failures, spills, waits, peak_share } = row;
    const counts = `${requests} requests  failures ${failures}  spills ${spills}  waits ${waits}`;
    return `asked for ${asked_ratio.toFixed(2)}x  ${counts}  peak ${percent(peak_share)} of the budget`;
  }
  if ('found' in row) {
    const { found, seeds, median_s, max_s, steady_hours, false_alarms } = row;
    const alarms = Object.entries(false_alarms).map(([kind, count]) => `${kind}: ${count}`);
    return `told ${found} of ${seeds}, median ${median_s} s, max ${max_s} s  alarms in ${steady_hours} h each of ${alarms.join(', ')}`;
  }
  return `min ${row.min_ns.toFixed(0)} ns  median ${row.median_ns.toFixed(0)} ns`;
}

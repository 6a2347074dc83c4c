import { parseArgs } from 'node:util';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { runOpsBench } from './bench.js';

const HELP = `Usage: npm run bench -- ops [options]

Measures the numeric operations of gpu-core on this machine: matrix products, xor, element-wise operations, reductions,
distances, by each backend of the CPU; with --peers beside NumPy and SciPy, in the same run. "wasm in place" has operands
and result in the workers' memory; the others are given arrays, and copy them where a backend needs it.

Options:
  --peers      also NumPy and SciPy (installed on first use)
  --json       one JSON object per result on standard output
  --quick      small sizes and few repetitions: tries the benchmark, not the machine
  --only TEXT  only cases whose name contains TEXT, for example "matmul f32 1024"
`;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const machine = describeMachine();
process.stdout.write(values.json ? `${JSON.stringify({ machine })}\n` : `${machineLine(machine)}\n\n`);
const log = (line: string): void => void process.stderr.write(`${line}\n`);
for await (const row of runOpsBench({ ...values, log })) {
  const ratio = row.ratio_to_peer === undefined ? '' : `  peer / ours ${row.ratio_to_peer.toFixed(2)}`;
  const times = [row.min_s, row.median_s].map((seconds) => `${(seconds * 1000).toFixed(3).padStart(10)} ms`);
  const line = `${row.case.padEnd(24)}${row.backend.padEnd(16)}min ${times[0]}  median ${times[1]}${ratio}`;
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${line}\n`);
}

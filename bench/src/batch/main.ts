import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Runtime } from '@armilla/gpu-core';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { smallCalls } from './small-calls.js';

const HELP = `Usage: npm run bench -- batch [options]

Times 1000 small calls of ragged sizes at once through the dispatcher, each for itself and made batches, on one device; both
in turn in one run. Counts results that differ in any bit.

Options:
  --json   one JSON object per result on standard output
  --quick  fewer calls and repetitions: tries the benchmark, not the machine
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
const stateFolder = mkdtempSync(join(tmpdir(), 'armilla-bench-'));
await using runtime = await Runtime.create();
const [calls, repeats] = values.quick ? [100, 3] : [1000, 11];
for (const [name, largest] of [
  ['gpu.matmul', 32],
  ['gpu.add', 1024],
  ['gpu.xor', 4096],
] as const) {
  for (const device of ['typescript', 'wasm:1', 'onnxruntime']) {
    if (device === 'onnxruntime' && name !== 'gpu.matmul') continue;
    const row = await smallCalls(runtime, stateFolder, { name, device, largest, calls, repeats });
    const ms = (min: number, middle: number): string => `${min.toFixed(1)} / ${middle.toFixed(1)} ms`;
    const text = `${row.case}, ${row.calls} at once on ${device}: alone ${ms(row.alone_min_ms, row.alone_median_ms)}, batched ${ms(row.batched_min_ms, row.batched_median_ms)} in ${row.batches} batches, ${row.speedup.toFixed(2)}x, ${row.differences} differ`;
    process.stdout.write(`${values.json ? JSON.stringify(row) : text}\n`);
  }
}
rmSync(stateFolder, { recursive: true });

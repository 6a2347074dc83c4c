import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BenchOptions, CaseResult } from './case.js';
import { runColdCase } from './cold.js';
import { commandCases, runCommandCase } from './commands.js';
import { diskCases, runDiskCase } from './disk.js';
import { runFilesCase } from './files.js';
import { runFlightCase } from './flight.js';
import { runHealthCase } from './health.js';
import { runHttpCase, runSmallCase } from './http.js';
import { caseName, kernelCases, runKernelCase } from './kernel.js';
import { runMemoryCase } from './memory.js';
import { runResidentCase } from './resident.js';
import { runSlowReaderCase } from './slow-reader.js';
import { runTransportCase } from './transport.js';
import { describeMachine } from '../machine.js';
import { preparePeers, prepareStilts } from '../peers.js';
import { caseLines, machineLine } from '../report.js';

const HELP = `Usage: npm run bench -- crossmatch [options]

Measures the crossmatch on this machine; with --peers beside other programs, in the same run.

Options:
  --peers       also SciPy, astropy, DuckDB, LSDB and STILTS (installed on first use)
  --json        one JSON object per case on standard output
  --quick       small tables: tries the benchmark, not the machine
  --only TEXT   only cases whose name contains TEXT
  --with NAMES  with --peers: only these, separated by commas
  --list        names of the cases

Cases "command ..." are whole command lines from files to a file: judged pairs, an area, trust, probabilities, three tables, a cone, HATS.
Cases "disk 50M" and "disk 200M" run only when they are named with --only: they keep tables of 2.4 and 9.6 GB in
ARMILLA_BENCH_CACHE (default: a folder of the system's temporary one), and take as much again while they run.

Examples:
  npm run bench -- crossmatch --quick
  npm run bench -- crossmatch --peers --only "kernel uniform 1M"
  npm run bench -- crossmatch --peers --only "disk 50M"
`;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    peers: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    with: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const options: BenchOptions = {
  peers: values.peers,
  quick: values.quick,
  only: values.only,
  with: values.with?.split(','),
  folder: mkdtempSync(join(tmpdir(), 'armilla-bench-')),
  log,
};

interface Job {
  readonly name: string;
  readonly run: () => Promise<CaseResult>;
  readonly onlyByName?: boolean;
}

const known: Job[] = [
  ...kernelCases(options.quick).map((one) => ({ name: caseName(one), run: () => runKernelCase(one, options) })),
  { name: 'cold first call', run: () => runColdCase(options) },
  { name: 'resident', run: () => runResidentCase(options) },
  { name: 'cli parquet to parquet', run: () => runFilesCase(options) },
  ...commandCases(options.quick).map((one) => ({ name: one.name, run: () => runCommandCase(one, options) })),
  ...diskCases(options.quick).map((one) => ({
    name: one.name,
    run: () => runDiskCase(one, options),
    // Their tables take gigabytes of disk.
    onlyByName: true,
  })),
  { name: 'http arrow there and back', run: () => runHttpCase(options) },
  { name: 'small requests, 64 clients', run: () => runSmallCase(options) },
  { name: 'transport one way', run: () => runTransportCase(options) },
  { name: 'healthz under load', run: () => runHealthCase(options) },
  { name: 'memory given back', run: () => runMemoryCase(options) },
  // Its client is pyarrow.
  ...(options.peers ? [{ name: 'flight with pyarrow', run: () => runFlightCase(options) }] : []),
  { name: 'slow reader', run: () => runSlowReaderCase(options) },
];
const jobs = known.filter(({ name, onlyByName }) => {
  if (options.only === undefined) return values.list || !onlyByName;
  return onlyByName ? name === options.only : name.includes(options.only);
});

try {
  if (values.list) {
    for (const { name } of jobs) process.stdout.write(`${name}\n`);
  } else {
    if (options.peers) {
      for (const fault of [preparePeers(log), prepareStilts(log)]) if (fault) log(`peers: ${fault}`);
    }
    const machine = describeMachine();
    if (values.json) process.stdout.write(`${JSON.stringify({ machine })}\n`);
    else process.stdout.write(`${machineLine(machine)}\n\n`);
    for (const { name, run } of jobs) {
      log(name);
      const result = await run();
      process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${caseLines(result).join('\n')}\n\n`);
    }
  }
} finally {
  rmSync(options.folder, { recursive: true, force: true });
}

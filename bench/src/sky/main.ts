import { parseArgs } from 'node:util';
import { openDevices } from '@armilla/gpu-core';
import { describeMachine } from '../machine.js';
import { machineLine } from '../report.js';
import { deviceJoinCases, deviceJoinLines, runDeviceJoin } from './device-join.js';
import { hostSideLines, runHostSide } from './host-side.js';

const HELP = `Usage: npm run bench -- sky [options]

Times the join on the sky on a GPU beside the CPU, the same rows in the same run, and holds the pairs against each other.
Without a GPU nothing is measured.

Options:
  --device <name>  part of an adapter's name, also of a software adapter; default: the first GPU
  --host           only what the host does for such a join, with a stand-in for the GPU that answers at once
  --json           one JSON object per result on standard output
  --quick          small tables, fewer repetitions: tries the benchmark, not the machine
`;

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string' },
    host: { type: 'boolean', default: false },
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
if (values.host) {
  for (const one of deviceJoinCases(values.quick)) {
    const result = await runHostSide(one, values.quick);
    write(result, hostSideLines(result));
  }
  process.exit(0);
}
await using devices = await openDevices({ adapters: values.device === undefined ? 'auto' : [values.device] });
if (devices.open.length === 0) {
  const absent = devices.absent.map(({ name, reason }) => `${name}: ${reason}`);
  write({ not_measured: 'no hardware adapter', absent }, ['not measured: no hardware adapter', ...absent]);
} else {
  const [{ device }] = devices.open;
  for (const one of deviceJoinCases(values.quick)) {
    const result = await runDeviceJoin(device, one, values.quick);
    write(result, deviceJoinLines(result));
  }
}

import { Command } from 'commander';
import { fail } from '@armilla/base';
import { loadConfig } from '@armilla/chassis';
import { type CalibrationRow, routedOperation, Runtime } from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { snakeCaseKeys } from '../crossmatch/json-names.js';
import { openCompute } from '../devices/compute.js';
import { tellIgnored } from '../devices/ignored-calibration.js';
import { printLine } from '../terminal/standard-output.js';
import { textTable } from '../terminal/text-table.js';

interface CalibrateFlags {
  readonly device: readonly string[];
  readonly operation: readonly string[];
  readonly json?: boolean;
}

const collect = (text: string, all: readonly string[]): string[] => [...all, text];

/** `armilla router calibrate`. */
export function calibrateCommand(context: CommandContext): Command {
  return new Command('calibrate')
    .description('Measure the operations on the devices of this machine, about 0.3 s each, and store what was found.')
    .option('--device <id>', 'only this device, such as wasm:2 or webgpu:0; may be repeated', collect, [])
    .option('--operation <name>', 'only this operation, such as gpu.matmul; may be repeated', collect, [])
    .option('--json', 'print one JSON object')
    .addHelpText('before', EXAMPLES)
    .action((flags: CalibrateFlags) => calibrate(flags, context));
}

const EXAMPLES = `Examples:
  armilla router calibrate
  armilla router calibrate --operation gpu.matmul --device wasm:2
`;

async function calibrate(
  { device, operation, json }: CalibrateFlags,
  { signal, terminal }: CommandContext,
): Promise<void> {
  for (const name of operation) routedOperation(name);
  const config = loadConfig({ env: process.env });
  await using runtime = await Runtime.create({ workerCount: config.workerCount || undefined });
  await using compute = await openCompute(runtime, config, signal);
  const { router, store } = compute.dispatcher;
  tellIgnored(compute.dispatcher, terminal);
  const known = router.devices.map(({ id }) => id);
  for (const id of device) {
    if (!known.includes(id))
      throw fail('OPTION_INVALID', { field: '--device', expected: `one of ${known.join(', ')}`, got: `'${id}'` });
  }
  for (const { name, provider, kind, absentReason } of compute.devices())
    if (absentReason !== undefined) terminal.line(`not measured: ${name || provider || kind}: ${absentReason}`);
  const rows = await compute.dispatcher.calibrate({
    signal,
    ...(device.length > 0 && { devices: device }),
    ...(operation.length > 0 && { operations: operation }),
  });
  if (json) await printLine(JSON.stringify(snakeCaseKeys({ file: store.path, rows })));
  else await printLine(`${rowsText(rows)}\nstored in ${store.path}; armilla router show tells what follows from it`);
}

function rowsText(rows: readonly CalibrationRow[]): string {
  const cells = rows.map(({ device, operation, dtype, samples, firstCallsMs, spentMs, fault }) => [
    device,
    operation,
    dtype,
    `${samples}`,
    firstCallsMs.toFixed(2),
    spentMs.toFixed(1),
    fault ?? '',
  ]);
  return textTable([['device', 'operation', 'type', 'samples', 'first calls ms', 'others ms', ''], ...cells]);
}

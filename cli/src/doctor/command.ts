import { Command } from 'commander';
import { loadConfig } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import type { CommandContext } from '../command-context.js';
import { printLine } from '../terminal/standard-output.js';
import { openCompute } from '../devices/compute.js';
import type { Check } from './check.js';
import { coresCheck, diskCheck, memoryCheck, nodeCheck, webAssemblyChecks } from './machine-checks.js';
import { absentChecks, gpuChecks } from './gpu-checks.js';
import { kernelChecks } from './kernel-checks.js';
import { portCheck } from './port-check.js';

const UNAVAILABLE = 69;

/** `armilla doctor`. */
export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description(
      'Check this machine, run every kernel once against its reference, and name what to do where something is amiss.',
    )
    .option('--json', 'print the checks as one JSON array')
    .addHelpText('before', EXAMPLES)
    .action(async ({ json }: { json?: boolean }) => {
      const checks = await runChecks(context.signal);
      const ok = checks.every((check) => check.ok);
      if (json) await printLine(JSON.stringify(checks));
      else {
        for (const check of checks) await printLine(checkText(check));
        await printLine(ok ? 'all is well' : `${checks.filter((check) => !check.ok).length} to fix`);
      }
      if (!ok) context.exit(UNAVAILABLE);
    });
}

const EXAMPLES = `Examples:
  armilla doctor
  armilla doctor --json > doctor.json
`;

async function runChecks(signal: AbortSignal): Promise<Check[]> {
  const config = loadConfig({ env: process.env });
  await using runtime = await Runtime.create({ workerCount: config.workerCount || undefined });
  await using compute = await openCompute(runtime, config);
  return [
    nodeCheck(),
    coresCheck(),
    memoryCheck(),
    await diskCheck(config.spoolDirectory || undefined),
    ...webAssemblyChecks(),
    ...gpuChecks(compute.reports),
    ...absentChecks(compute.absent),
    await portCheck(config.grpcAddress, 'grpc_address'),
    await portCheck(config.httpAddress, 'http_address'),
    ...(await kernelChecks(compute, signal)),
  ];
}

function checkText({ name, ok, seen, fix }: Check): string {
  return `${ok ? 'ok ' : 'FIX'}  ${name}: ${seen}${fix === undefined ? '' : `\n     ${fix}`}`;
}

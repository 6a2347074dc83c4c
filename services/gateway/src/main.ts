import { computeInBackground, problemToJson, toProblem } from '@armilla/base';
import { CONFIG_KEYS, createLogger, loadConfig, startTelemetry, stopOnSignals } from '@armilla/chassis';
import { parseArgs } from 'node:util';
import { startGateway } from './gateway.js';

/** Serves HTTP in front of a crossmatch service elsewhere (`--crossmatch-target HOST:PORT`) until SIGTERM or SIGINT; configured by flags, ARMILLA_* and a file. */
async function main(): Promise<void> {
  const flagNames = Object.keys(CONFIG_KEYS).map((key) => key.replaceAll('_', '-'));
  const { values } = parseArgs({
    options: Object.fromEntries(flagNames.map((name) => [name, { type: 'string' as const }])),
  });
  const config = loadConfig({ env: process.env, flags: values });
  const log = createLogger(config);
  computeInBackground();
  const telemetry = await startTelemetry({ serviceName: 'armilla-gateway' });
  try {
    const gateway = await startGateway({ config, log, metricsText: () => telemetry.prometheusText() });
    await stopOnSignals(() => gateway.close(), log);
  } finally {
    await telemetry.shutdown();
  }
}

main().catch((error: unknown) => {
  const problem = toProblem(error);
  process.stderr.write(`${JSON.stringify(problemToJson(problem))}\n`);
  process.exitCode = problem.exit;
});

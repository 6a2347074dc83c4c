import { computeInBackground, problemToJson, toProblem } from '@armilla/base';
import { CONFIG_KEYS, createLogger, loadConfig, serve, startTelemetry, stopOnSignals } from '@armilla/chassis';
import { Runtime } from '@armilla/gpu-core';
import { parseArgs } from 'node:util';
import { crossmatchServices } from './service.js';

/** Serves crossmatch alone until SIGTERM or SIGINT; configured by flags (`--grpc-address …`), ARMILLA_* and a file. */
async function main(): Promise<void> {
  const flagNames = Object.keys(CONFIG_KEYS).map((key) => key.replaceAll('_', '-'));
  // Not strict: what is unknown is refused with all other bad values at once.
  const { values } = parseArgs({
    options: Object.fromEntries(flagNames.map((name) => [name, { type: 'string' as const }])),
    strict: false,
  });
  const flags = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.replaceAll('-', '_'), value]));
  const config = loadConfig({ env: process.env, flags });
  const log = createLogger(config);
  computeInBackground();
  await using telemetry = await startTelemetry({ serviceName: 'armilla-crossmatch' });
  log.info('telemetry', { exporting: telemetry.exporting });
  await using runtime = await Runtime.create({
    workerCount: config.workerCount || undefined,
    memoryLimitBytes: config.memoryLimitBytes || undefined,
  });
  const serving = serve({ services: crossmatchServices({ runtime }), config, log });
  // Before it serves: whoever sees the server up may stop it at once.
  const stopped = stopOnSignals(async () => (await serving).stop(), log);
  await serving;
  await stopped;
}

main().catch((error: unknown) => {
  const problem = toProblem(error);
  process.stderr.write(`${JSON.stringify(problemToJson(problem))}\n`);
  process.exitCode = problem.exit;
});

import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import type { ProviderReport } from './discovery.js';
import { readReports } from './report-line.js';

const LIMIT_MS = 30_000;

/** What each provider offers on this machine, the one that is loaded first, looked at in a process of its own, which a broken driver may end. */
export function discover(
  env: Readonly<Record<string, string | undefined>> = process.env,
  signal?: AbortSignal,
): Promise<readonly ProviderReport[]> {
  const entry = createRequire(import.meta.url).resolve('@armilla/gpu-core/probe');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [entry],
      { env: { ...env } as NodeJS.ProcessEnv, timeout: LIMIT_MS, killSignal: 'SIGKILL', signal },
      (error, stdout) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const reports = error === null ? readReports(stdout) : undefined;
        if (reports !== undefined) {
          resolve(reports);
          return;
        }
        const { code = 0, signal: endedBy } = (error ?? {}) as { code?: unknown; signal?: string };
        const reason = `looking at the adapters ended the process without an answer (${endedBy ?? `exit code ${String(code)}`}): the driver is broken, or did not answer within ${LIMIT_MS / 1000} s`;
        resolve([{ provider: 'webgpu', adapters: [], reason }]);
      },
    );
  });
}

import { toProblem } from '@armilla/base';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { providerName, type ProviderName } from '../webgpu/provider.js';
import type { ProviderReport } from './discovery.js';
import { readReport } from './report-line.js';

type Environment = Readonly<Record<string, string | undefined>>;

const PROVIDERS: readonly ProviderName[] = ['webgpu', 'kmamal'];
const LIMIT_MS = 30_000;
/** Of Node.js: what is awaited can come no more ("Unsettled Top-Level Await"). */
const UNSETTLED_CODE = 13;

/**
 * What each provider offers on this machine, the one that is loaded first, each looked at in a process of its own, which a
 * broken driver may end. Where ARMILLA_GPU_PROVIDER says what no provider is called, that comes first, with this as the reason.
 */
export function discover(env: Environment = process.env, signal?: AbortSignal): Promise<readonly ProviderReport[]> {
  let named: ProviderName;
  try {
    named = providerName(env);
  } catch (error) {
    const unknown = { provider: String(env.ARMILLA_GPU_PROVIDER), adapters: [], reason: toProblem(error).message };
    return Promise.all([unknown, ...PROVIDERS.map((name) => lookAt(name, withoutFile(env), signal))]);
  }
  const others = PROVIDERS.filter((name) => name !== named);
  return Promise.all([lookAt(named, env, signal), ...others.map((name) => lookAt(name, withoutFile(env), signal))]);
}

/** ARMILLA_DAWN_NODE is the file of the provider that is loaded. */
function withoutFile({ ARMILLA_DAWN_NODE: _, ...env }: Environment): Environment {
  return env;
}

function lookAt(provider: ProviderName, env: Environment, signal: AbortSignal | undefined): Promise<ProviderReport> {
  const entry = createRequire(import.meta.url).resolve('@armilla/gpu-core/probe');
  const variables = { ...env, ARMILLA_GPU_PROVIDER: provider } as NodeJS.ProcessEnv;
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [entry],
      { env: variables, timeout: LIMIT_MS, killSignal: 'SIGKILL', signal },
      (error, stdout) => {
        if (signal?.aborted) reject(signal.reason as Error);
        else
          resolve(
            (error ? undefined : readReport(stdout)) ?? {
              provider,
              adapters: [],
              reason: reasonOf(error ?? {}),
              faulty: true,
            },
          );
      },
    );
  });
}

/** Why the process that looked at the adapters gave no report. */
function reasonOf(ended: { killed?: boolean; code?: unknown; signal?: unknown }): string {
  const { killed, code = 0, signal } = ended;
  if (killed) return `the driver did not answer within ${LIMIT_MS / 1000} s when it was asked for its adapters`;
  if (code === UNSETTLED_CODE) return 'the driver never answered when it was asked for its adapters';
  const how = signal ? String(signal) : `exit code ${String(code)}`;
  return `looking at the adapters ended the process without an answer (${how}): the driver is broken`;
}

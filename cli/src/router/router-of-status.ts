import type { ModelView, OperationView, RouterView } from '@armilla/gpu-core';
import { camelCaseKeys } from '../crossmatch/json-names.js';

/** What of the answer of /v1/runtime/status is about the router. */
interface StatusAnswer {
  readonly devices: readonly { readonly id: string; readonly kind: string; readonly software: boolean }[];
  readonly router: {
    readonly operations: readonly (Omit<OperationView, 'models'> & {
      readonly models: readonly (Omit<ModelView, 'samples'> & { readonly sampleCount: number })[];
    })[];
    readonly regret: readonly (Omit<RouterView['regret'][number], 'calls' | 'ratio'> & {
      readonly callCount: number;
    })[];
    readonly explorationMs: number;
    readonly totalMs: number;
  };
}

/** The router of a server, as its status tells it. */
export function routerOfStatus(status: unknown): RouterView {
  const { devices, router } = camelCaseKeys(status) as StatusAnswer;
  return {
    devices: devices
      .filter(({ id }) => id !== '')
      .map(({ id, kind, software }) => ({ id, memory: kind === 'webgpu' ? id : 'host', software })),
    operations: router.operations.map(({ models, ...operation }) => ({
      ...operation,
      models: models.map(({ sampleCount, workPerSecond, bytesPerSecond, ...model }) => ({
        ...model,
        samples: sampleCount,
        workPerSecond: workPerSecond ?? null,
        bytesPerSecond: bytesPerSecond ?? null,
      })),
    })),
    regret: router.regret.map(({ callCount, ...row }) => {
      return { ...row, calls: callCount, ratio: row.actualMs / row.bestPredictedMs };
    }),
    exploration: { spentMs: router.explorationMs, totalMs: router.totalMs },
  };
}

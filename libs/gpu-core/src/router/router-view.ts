import type { ModelSource } from './cost-model.js';
import type { CrossoverOptions, CrossoverRange } from './crossover.js';
import type { RegretRow } from './regret.js';
import type { Router } from './router.js';

/** What a router knows: plain data for `router show --json`, the dashboard and the text below. */
export interface RouterView {
  readonly devices: readonly { readonly id: string; readonly memory: string; readonly software: boolean }[];
  readonly operations: readonly OperationView[];
  readonly regret: readonly RegretRow[];
  readonly exploration: { readonly spentMs: number; readonly totalMs: number };
}

export interface OperationView {
  readonly operation: string;
  readonly dtype: string;
  readonly modelVersion: number;
  readonly models: readonly ModelView[];
  /** Fastest device by size, operands on the host. */
  readonly crossoverHost: readonly CrossoverRange[];
  /** Fastest device by size, operands there already. */
  readonly crossoverDevice: readonly CrossoverRange[];
}

export interface ModelView {
  readonly device: string;
  readonly source: ModelSource;
  readonly samples: number;
  readonly launchMs: number;
  /** Elementary steps a second; null: no time for work was seen. */
  readonly workPerSecond: number | null;
  /** Bytes a second; null: no time for bytes was seen. */
  readonly bytesPerSecond: number | null;
  readonly sigma: number;
  /** It was found slower and not calibrated since. */
  readonly slowed: boolean;
}

/** `sizes`: by operation, how n gives a size and which devices have a backend; without, n is the work, and all have one. */
export function viewRouter(router: Router, sizes: Readonly<Record<string, CrossoverOptions>> = {}): RouterView {
  return {
    devices: router.devices.map(({ id, memory, software }) => ({ id, memory, software })),
    operations: router.operations().map(({ operation, dtype, version, devices, models, slowed }) => ({
      operation,
      dtype,
      modelVersion: version,
      models: devices.flatMap(({ id }, i) => {
        if (sizes[operation]?.devices?.(dtype).includes(id) === false) return [];
        const { launchMs, msPerWork, msPerByte } = models[i].terms;
        return {
          device: id,
          source: models[i].source,
          samples: models[i].samples,
          launchMs,
          workPerSecond: perSecond(msPerWork),
          bytesPerSecond: perSecond(msPerByte),
          sigma: models[i].sigma,
          slowed: slowed.has(i),
        };
      }),
      crossoverHost: router.crossover(operation, dtype, 'host', sizes[operation]),
      crossoverDevice: router.crossover(operation, dtype, 'device', sizes[operation]),
    })),
    regret: router.regret(),
    exploration: router.explorationCost(),
  };
}

function perSecond(msPerUnit: number): number | null {
  return msPerUnit > 0 ? 1000 / msPerUnit : null;
}

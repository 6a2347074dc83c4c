import { CostModel, type StoredModel } from './cost-model.js';
import type { KnownDevice } from './device.js';
import type { Priors } from './priors.js';

/** Models of one (operation, dtype) on every device, and what was chosen before. */
export class OperationModels {
  readonly models: CostModel[];
  /** Call of this operation at which each device was measured last. */
  readonly sampledAtCall: number[];
  /** Last choice for calls of like size and residency. */
  readonly choices = new Map<number, number>();
  version = 1;
  calls = 0;
  /** Devices that were found slower since the last calibration. */
  readonly slowed = new Set<number>();

  constructor(
    readonly operation: string,
    readonly dtype: string,
    readonly devices: readonly KnownDevice[],
    priors: Priors,
  ) {
    this.models = devices.map((device) => new CostModel(priors(operation, dtype, device.id)));
    this.sampledAtCall = devices.map(() => 0);
  }

  /** Puts a model in place of the one of that device. */
  install(index: number, model: CostModel): void {
    this.models[index] = model;
    this.sampledAtCall[index] = this.calls;
    this.slowed.delete(index);
    this.choices.clear();
    this.version++;
  }

  /** What is worth keeping: models that saw a measurement, by device id. */
  store(): Record<string, StoredModel> {
    const stored: Record<string, StoredModel> = {};
    this.devices.forEach(({ id }, i) => {
      if (this.models[i].samples > 0) stored[id] = this.models[i].store();
    });
    return stored;
  }
}

import type { StoredModel } from './cost-model.js';

/** What is kept of one (operation, dtype). */
export interface StoredOperation {
  readonly operation: string;
  readonly dtype: string;
  readonly devices: Readonly<Record<string, StoredModel>>;
}

export type StoredModels = readonly StoredOperation[];

/** Of `models` those of devices that `here` does not name. */
export function modelsElsewhere(models: StoredModels, here: readonly string[]): StoredModels {
  return models.map(({ devices, ...one }) => {
    return { ...one, devices: Object.fromEntries(Object.entries(devices).filter(([id]) => !here.includes(id))) };
  });
}

/** Both; of a device that both have the model of `first`. */
export function joinModels(first: StoredModels, second: StoredModels): StoredModels {
  const joined = new Map<string, StoredOperation>();
  for (const one of [...first, ...second]) {
    const key = `${one.operation} ${one.dtype}`;
    joined.set(key, { ...one, devices: { ...one.devices, ...joined.get(key)?.devices } });
  }
  return [...joined.values()].filter(({ devices }) => Object.keys(devices).length > 0);
}

/** The models in a parsed JSON value, or a sentence on the first thing that is wrong. */
export function readStoredModels(value: unknown): StoredModels | string {
  if (!Array.isArray(value)) return 'models is no list';
  for (const [i, one] of value.entries()) {
    if (!isRecord(one) || typeof one.operation !== 'string' || typeof one.dtype !== 'string' || !isRecord(one.devices))
      return `models[${i}] has no operation, dtype or devices`;
    for (const [id, model] of Object.entries(one.devices)) {
      const fault = faultOf(model);
      if (fault !== undefined) return `models[${i}].devices['${id}']: ${fault}`;
    }
  }
  return value as StoredModels;
}

/** More than any card costs or any process has measured, and far from where products of it overflow. */
const LARGEST = 1e15;

const NUMBERS = ['launchMs', 'msPerWork', 'msPerByte', 'samples', 'sigma'];

function faultOf(model: unknown): string | undefined {
  if (!isRecord(model)) return 'no object';
  for (const name of NUMBERS) {
    if (!isAmount(model[name])) return `${name} is ${String(model[name])}, not a number in [0, ${LARGEST}]`;
  }
  for (const name of ['weights', 'scales']) {
    const three = model[name];
    if (three !== undefined && !(Array.isArray(three) && three.length === 3 && three.every(isPositive)))
      return `${name} are no three numbers in (0, ${LARGEST}]`;
  }
  if (!Array.isArray(model.buckets)) return 'buckets is no list';
  const pairs = model.buckets.every(
    (pair: unknown) => Array.isArray(pair) && pair.length === 2 && Number.isInteger(pair[0]) && isAmount(pair[1]),
  );
  return pairs ? undefined : 'buckets holds something else than pairs of bucket and factor';
}

function isAmount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= LARGEST;
}

function isPositive(value: unknown): boolean {
  return isAmount(value) && value !== 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

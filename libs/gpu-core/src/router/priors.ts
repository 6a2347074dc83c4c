import type { CostTerms } from './cost-model.js';

/** Terms before anything was measured, for `(operation, dtype, id of the device)`. */
export type Priors = (operation: string, dtype: string, deviceId: string) => CostTerms;

/**
 * Rates of the kinds of devices by operation, in elementary steps a millisecond. Orders of magnitude, so that a first
 * call need not wait; the variance of a prior says how little they are worth. Those of the CPU were measured at 1 MB and
 * 1024 x 1024, of wasm for one worker; those of a GPU are deliberately modest.
 */
const RATES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'gpu.matmul': { typescript: 6e6, wasm: 3.2e7, onnxruntime: 2.5e8, webgpu: 1e9 },
  'gpu.xor': { typescript: 2.8e6, wasm: 2e7, webgpu: 5e7 },
};
const ANY_RATE: Readonly<Record<string, number>> = { typescript: 1e6, wasm: 5e6, onnxruntime: 1e7, webgpu: 1e8 };

const LAUNCH_MS: Readonly<Record<string, number>> = { typescript: 0.001, wasm: 0.05, onnxruntime: 0.1, webgpu: 1 };
const UNKNOWN_LAUNCH_MS = 0.1;
const UNKNOWN_RATE = 1e6;
/** 4 GB/s between memories. */
const MS_PER_BYTE = 1 / 4e6;

export const shippedPriors: Priors = (operation, _dtype, id) => {
  const [kind, part] = id.split(':');
  const rate = RATES[operation]?.[kind] ?? ANY_RATE[kind] ?? UNKNOWN_RATE;
  return {
    launchMs: LAUNCH_MS[kind] ?? UNKNOWN_LAUNCH_MS,
    msPerWork: 1 / (kind === 'wasm' ? rate * Number(part) : rate),
    msPerByte: MS_PER_BYTE,
  };
};

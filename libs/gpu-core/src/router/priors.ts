import type { CostTerms } from './cost-model.js';

/** Terms before anything was measured, for `(operation, dtype, id of the device)`. */
export type Priors = (operation: string, dtype: string, deviceId: string) => CostTerms;

/** Elementary steps a millisecond, of wasm for one worker. */
interface Rates {
  readonly typescript: number;
  readonly wasm: number;
  readonly onnxruntime?: number;
  /** Copies take the time: more workers do not help. */
  readonly copied?: true;
}

/**
 * Of f32 (xor: bytes), measured at 3 MB and 500 x 500 on a core of 2025. Orders of magnitude, so that a first call need not
 * wait; the variance of a prior says how little they are worth. Those of a GPU are deliberately modest.
 */
const PRODUCT: Rates = { typescript: 6e6, wasm: 3.2e7, onnxruntime: 2.5e8 };
const REDUCTION: Rates = { typescript: 6.5e5, wasm: 2e6, copied: true };
const RATES: Readonly<Record<string, Rates>> = {
  'gpu.matmul': PRODUCT,
  'gpu.halfMatmul': PRODUCT,
  'gpu.batchedMatmul': PRODUCT,
  'gpu.multiply': { typescript: 4.3e5, wasm: 6e5, copied: true },
  'gpu.square': { typescript: 5.5e5, wasm: 8e5, copied: true },
  'gpu.sqrt': { typescript: 7e5, wasm: 1.6e6, copied: true },
  'gpu.exp': { typescript: 8.5e5, wasm: 2e6 },
  'gpu.sum': REDUCTION,
  'gpu.mean': REDUCTION,
  'gpu.max': REDUCTION,
  'gpu.min': REDUCTION,
  'gpu.xor': { typescript: 2.8e6, wasm: 2e7 },
  'gpu.distance': { typescript: 1.2e6, wasm: 8e6 },
};
const ANY_RATES: Rates = { typescript: 1e6, wasm: 5e6, onnxruntime: 1e7 };
/** By operation, of a GPU. */
const GPU_RATES: Readonly<Record<string, number>> = { 'gpu.matmul': 1e9, 'gpu.xor': 5e7 };
const ANY_GPU_RATE = 1e8;
/** Rate of f64 by that of f32. */
const F64_SHARE = 0.6;

const LAUNCH_MS: Readonly<Record<string, number>> = { typescript: 0.012, wasm: 0.08, onnxruntime: 0.06, webgpu: 1 };
const UNKNOWN_LAUNCH_MS = 0.1;
const UNKNOWN_RATE = 1e6;
/** 4 GB/s between memories. */
const MS_PER_BYTE = 1 / 4e6;

export const shippedPriors: Priors = (operation, dtype, id) => {
  const [kind, part] = id.split(':');
  return {
    launchMs: LAUNCH_MS[kind] ?? UNKNOWN_LAUNCH_MS,
    msPerWork: 1 / (rateOf(operation, kind, Number(part)) * (dtype === 'f64' ? F64_SHARE : 1)),
    msPerByte: MS_PER_BYTE,
  };
};

function rateOf(operation: string, kind: string, workerCount: number): number {
  if (kind === 'webgpu') return GPU_RATES[operation] ?? ANY_GPU_RATE;
  const rates = RATES[operation] ?? ANY_RATES;
  if (kind === 'wasm') return rates.copied ? rates.wasm : rates.wasm * workerCount;
  if (kind === 'typescript' || kind === 'onnxruntime') return rates[kind] ?? UNKNOWN_RATE;
  return UNKNOWN_RATE;
}

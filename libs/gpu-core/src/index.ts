export { type MachineLimits, machineLimits } from './runtime/machine-limits.js';
export { type CallOptions, Runtime, type RuntimeOptions, type RuntimeStats } from './runtime/runtime.js';

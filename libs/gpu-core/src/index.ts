export { machineLimits, type MachineLimits } from './machine/limits.js';
export { type Heap, HEAP_LIMIT_BYTES, type Lease } from './memory/heap.js';
export { hasWebAssembly } from './memory/webassembly.js';
export { type BackendName, defineOperation, type Operation } from './operation/operation.js';
export { type Kernel, type Phase, type PhaseOptions } from './pool/work.js';
export { type CallOptions, Runtime, type RuntimeOptions, type RuntimeStats } from './runtime/runtime.js';

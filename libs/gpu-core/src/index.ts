export { type Chunk, type ChunkLimits, chunkRows, cutEvenly } from './batch/chunks.js';
export { Coalescer, type CoalescerOptions, type CoalescerStats, type MemberOptions } from './batch/coalescer.js';
export { packRagged, type Ragged, unpackRagged } from './batch/ragged.js';
export { spreadOver, type SpreadOptions } from './batch/spread.js';
export type {
  Device,
  DeviceInfo,
  DeviceLimits,
  Job,
  JobBuffer,
  JobPass,
  JobResult,
  JobTiming,
  Resident,
  RunOptions,
} from './device/device.js';
export { discover } from './device/discovery/discover.js';
export type { AdapterReport, ProviderReport } from './device/discovery/discovery.js';
export { type CardTraces, type Fault, usualFaults } from './device/discovery/usual-faults.js';
export {
  type AbsenceCause,
  type AbsentDevice,
  adapterOwners,
  chooseAdapters,
  type Devices,
  type DeviceSelection,
  type OpenDevice,
  openDevices,
  readAdapters,
} from './device/open-devices.js';
export { Claim, type ClaimOptions, describeOwners, type Owner, type Refusal } from './device/ownership.js';
export { type Program, readProgram } from './device/program.js';
export type { OpenOptions } from './device/webgpu/messages.js';
export { WebGpuDevice } from './device/webgpu/webgpu-device.js';
export { type FieldLayout, packStruct, structLayout, type StructLayout } from './device/webgpu/wgsl-layout.js';
export { machineLimits, type MachineLimits } from './machine/limits.js';
export {
  CLEANUP_AT,
  type DeviceBudget,
  deviceBudget,
  type PressureLevel,
  pressureLevel,
} from './memory/device/budget.js';
export type { BufferSource, DeviceBuffer, Fence } from './memory/device/buffer-source.js';
export { type Clock, systemClock } from './memory/device/clock.js';
export { DeviceMemory, type DeviceMemoryOptions, type MemoryStats } from './memory/device/device-memory.js';
export type { DeviceLease } from './memory/device/lease.js';
export type { LeakOptions, LeakReport } from './memory/device/leaks.js';
export { MemoryMonitor, type MemorySample, type MonitorOptions } from './memory/device/monitor.js';
export { DevicePool, type DevicePoolOptions, type LeaseOptions } from './memory/device/pool.js';
export type { LabelStats, PoolStats } from './memory/device/pool-stats.js';
export { type MemoryProbe, type MemorySource, probeMemory, type ProbeOptions } from './memory/device/probe.js';
export type { MemoryResident, ResidentOptions } from './memory/device/residents.js';
export { SimulatedBuffers, type SimulatedBuffersOptions } from './memory/device/simulated-buffers.js';
export { SimulatedClock } from './memory/device/simulated-clock.js';
export {
  type CounterEvent,
  memoryCounterEvents,
  type MemoryNews,
  type MemorySnapshot,
  memorySnapshot,
} from './memory/device/snapshot.js';
export type { MemoryGrant, MemoryRequest, StageName, StageReport } from './memory/device/stages.js';
export {
  type StagingRegion,
  StagingRing,
  type StagingRingOptions,
  type TakeOptions,
} from './memory/device/staging-ring.js';
export type { Reservation } from './memory/device/tenants.js';
export { type Heap, HEAP_LIMIT_BYTES, type Lease } from './memory/heap.js';
export { hasWebAssembly } from './memory/webassembly.js';
export { type BackendName, defineOperation, type Operation } from './operation/operation.js';
export { type Kernel, type Phase, type PhaseOptions } from './pool/work.js';
export { type Advice, type AdviceContext, adviseOn, type CrossoverChange } from './profile/advice.js';
export { type Bottleneck, bottlenecks } from './profile/bottlenecks.js';
export { compareProfiles, type CompareOptions, type OpComparison, type Verdict } from './profile/compare.js';
export { renderDashboard } from './profile/dashboard/dashboard.js';
export { type CrossoverCurves, type DashboardExtra, type MemoryBudget } from './profile/dashboard/extra.js';
export { crossoverCurves } from './profile/dashboard/router-curves.js';
export { profileToChromeTrace, type TraceEvent } from './profile/export/chrome-trace.js';
export { profileToFolded } from './profile/export/folded.js';
export { profileFromJson, profileToJson } from './profile/export/json.js';
export { exportToOpenTelemetry, type OpenTelemetryOptions } from './profile/export/opentelemetry.js';
export { profileToPprof } from './profile/export/pprof.js';
export { profileToSpeedscope } from './profile/export/speedscope.js';
export { type Overlap, overlaps } from './profile/overlap.js';
export { type Counters, type CounterTrack, type OpTotals, type Profile } from './profile/profile.js';
export { profiled } from './profile/profiled.js';
export { Profiler, type ProfilerOptions, type SpanFacts, type SpanOptions } from './profile/profiler.js';
export { type GateResult, regressionGate } from './profile/regression-gate.js';
export { type Roofline } from './profile/roofline.js';
export { type Span } from './profile/span.js';
export { type OpSummary, summarise } from './profile/summary.js';
export { type CallOptions, Runtime, type RuntimeOptions, type RuntimeStats } from './runtime/runtime.js';
export {
  Calibration,
  type CalibrationCase,
  type CalibrationOptions,
  type CalibrationRow,
  type CalibrationRun,
  type MeasuredSize,
} from './router/calibration.js';
export { CalibrationStore, type Loaded } from './router/calibration-store.js';
export type { CrossoverOptions, CrossoverRange, Residency } from './router/crossover.js';
export type { Decision, DevicePrediction, DeviceRefusal, RouteReason } from './router/decision.js';
export type { KnownDevice, RouterDevice } from './router/device.js';
export { type HardwareKey, hardwareKey, hardwareName, hashKernels } from './router/hardware-key.js';
export { type DecisionRecord } from './router/recent.js';
export { type RegretRow } from './router/regret.js';
export { routedCall, type RoutedCallOptions, type RunPlace } from './router/routed-call.js';
export { Router } from './router/router.js';
export { type DeviceChange, type RouterOptions } from './router/router-options.js';
export { ShadowLog, type ShadowOptions, type ShadowRecord, type ShadowRow } from './router/shadow.js';
export {
  SIMULATED_SIZES,
  type SimulatedDevice,
  SimulatedMachine,
  type SimulatedMachineName,
} from './router/simulated-machine.js';
export { simulate, type SimulationResult } from './router/simulation.js';
export { type Operand, type OpSize, requestOf, type RouteRequest, type SizeOf } from './router/size.js';
export { renderDecision, renderRouter } from './router/render.js';
export { type ModelView, type OperationView, type RouterView, viewRouter } from './router/router-view.js';
export { distance } from './ops/distance/index.js';
export { add, exp, multiply, sqrt, square } from './ops/elementwise/index.js';
export { DeviceArray, type DeviceNumbers, type KeepOptions } from './ops/host/device-array.js';
export { type Execution } from './ops/host/execution.js';
export { type Floats, HeapArray, type Numbers, type Target, type Values } from './ops/host/operand.js';
export { operations } from './ops/index.js';
export { batchedMatmul, halfMatmul, matmul } from './ops/matmul/index.js';
export { onnxruntimeFault } from './ops/matmul/onnxruntime.js';
export { max, mean, min, sum } from './ops/reduce/index.js';
export { xor } from './ops/xor/index.js';
export {
  type DType,
  registerOperation,
  type RoutedOperation,
  routedOperation,
  routedOperations,
} from './ops/routing.js';
export type { BatchOptions, BatchView } from './runtime/batches.js';
export {
  type CallSettings,
  type Computed,
  Dispatcher,
  type DispatcherOptions,
  type DispatcherView,
} from './runtime/dispatcher.js';
export type { DeviceMemoryView, MemoryStages } from './runtime/gpu-devices.js';
export { TracedDevice } from './runtime/traced-device.js';
export { type OperationVerdict, verifyOperations } from './runtime/verify-operations.js';

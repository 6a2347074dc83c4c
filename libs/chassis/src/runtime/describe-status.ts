import {
  GetStatusResponse,
  OperationSummary,
  ProfilerSummary,
  RouterOperation,
  RuntimeDevice,
  RuntimeMemory,
} from '@armilla/proto';
import {
  type DeviceStatus,
  type MemoryStatus,
  type OperationStatus,
  type ProfilerStatus,
  type RouterOperationStatus,
  type RuntimeStatus,
} from './runtime-status.js';

/** The status as a message of the contract. */
export function protoStatus(status: RuntimeStatus): GetStatusResponse {
  const { workers, router } = status;
  return GetStatusResponse.fromPartial({
    startTime: new Date(status.startEpochMs).toISOString(),
    devices: status.devices.map(protoDevice),
    workers: {
      workerCount: workers.workerCount,
      queuedTaskCount: whole(workers.queuedTaskCount),
      finishedItemCount: whole(workers.finishedItemCount),
    },
    memory: status.memory.map(protoMemory),
    router: {
      operations: router.operations.map(protoOperation),
      regret: router.regret.map(({ operation, calls, actualMs, bestPredictedMs, explorationMs, overrideMs }) => ({
        operation,
        callCount: whole(calls),
        actualMs,
        bestPredictedMs,
        explorationMs,
        overrideMs,
      })),
      shadow: router.shadow.map(({ operation, runs, differences, otherFaster }) => ({
        operation,
        runCount: whole(runs),
        differenceCount: whole(differences),
        otherFasterCount: whole(otherFaster),
      })),
      explorationMs: router.exploration.spentMs,
      totalMs: router.exploration.totalMs,
    },
    profiler: protoProfiler(status.profiler),
  });
}

/** Counts and bytes travel as 64-bit integers; a device may claim any number. */
export function whole(value: number): bigint {
  return BigInt(Math.round(Math.min(Math.max(value, 0), Number.MAX_SAFE_INTEGER)) || 0);
}

function protoDevice(device: DeviceStatus): RuntimeDevice {
  const { limits, lossCount = 0, features = [], ...rest } = device;
  return RuntimeDevice.fromPartial({
    ...rest,
    features: [...features],
    lossCount: whole(lossCount),
    ...(limits && {
      limits: {
        maxBufferBytes: whole(limits.maxBufferBytes),
        maxStorageBindingBytes: whole(limits.maxStorageBindingBytes),
        maxUniformBindingBytes: whole(limits.maxUniformBindingBytes),
        maxWorkgroupsPerDimension: whole(limits.maxWorkgroupsPerDimension),
        maxInvocationsPerWorkgroup: whole(limits.maxInvocationsPerWorkgroup),
        maxWorkgroupStorageBytes: whole(limits.maxWorkgroupStorageBytes),
        maxStorageBuffers: whole(limits.maxStorageBuffers),
      },
    }),
  });
}

function protoMemory({ usedBytes, reservedBytes, budgetBytes, leaks = [], ...rest }: MemoryStatus): RuntimeMemory {
  return RuntimeMemory.fromPartial({
    ...rest,
    usedBytes: whole(usedBytes),
    reservedBytes: whole(reservedBytes),
    budgetBytes: budgetBytes === undefined ? undefined : whole(budgetBytes),
    leaks: leaks.map(({ label, kind, liveBytes, liveCount, grownBytes, overSeconds, oldestSeconds, stack }) => ({
      label,
      kind,
      liveBytes: whole(liveBytes),
      liveCount: whole(liveCount),
      grownBytes: whole(grownBytes),
      overSeconds,
      oldestSeconds,
      site: stack ?? '',
    })),
  });
}

function protoOperation({ modelVersion, models, ...rest }: RouterOperationStatus): RouterOperation {
  return RouterOperation.fromPartial({
    operation: rest.operation,
    dtype: rest.dtype,
    modelVersion: whole(modelVersion),
    models: models.map(({ samples, workPerSecond, bytesPerSecond, ...model }) => ({
      ...model,
      sampleCount: whole(samples),
      workPerSecond: workPerSecond ?? undefined,
      bytesPerSecond: bytesPerSecond ?? undefined,
    })),
    crossoverHost: [...rest.crossoverHost],
    crossoverDevice: [...rest.crossoverDevice],
  });
}

function protoProfiler(profiler: ProfilerStatus): ProfilerSummary {
  return ProfilerSummary.fromPartial({
    enabled: profiler.enabled,
    spanCount: whole(profiler.spanCount),
    overwrittenCount: whole(profiler.overwrittenCount),
    droppedCount: whole(profiler.droppedCount),
    operations: profiler.operations.map(protoSummary),
    advice: [...profiler.advice],
  });
}

const MS_PER_NS = 1e-6;

function protoSummary(row: OperationStatus): OperationSummary {
  return OperationSummary.fromPartial({
    operation: row.op,
    device: row.device,
    callCount: whole(row.count),
    totalMs: row.totalNs * MS_PER_NS,
    meanMs: row.meanNs * MS_PER_NS,
    minMs: row.minNs * MS_PER_NS,
    maxMs: row.maxNs * MS_PER_NS,
    standardDeviationMs: row.stdNs * MS_PER_NS || 0,
    p50Ms: known(row.p50Ns * MS_PER_NS),
    p95Ms: known(row.p95Ns * MS_PER_NS),
    p99Ms: known(row.p99Ns * MS_PER_NS),
    queueMs: row.queueNs * MS_PER_NS,
    uploadMs: row.uploadNs * MS_PER_NS,
    kernelMs: row.kernelNs * MS_PER_NS,
    readbackMs: row.readbackNs * MS_PER_NS,
    overheadMs: row.overheadNs * MS_PER_NS,
    gbPerSecond: known(row.gbPerS),
    gflopPerSecond: known(row.gflopPerS),
    rooflinePercent: known(row.rooflinePercent),
  });
}

const known = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

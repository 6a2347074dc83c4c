import { type RouteDecision, type RuntimeSource } from '../runtime/runtime-source.js';
import { type OperationStatus, type RuntimeStatus } from '../runtime/runtime-status.js';

export const START_EPOCH_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

/** A decision on `operation` between two devices; the second wins. */
export function fakeDecision(id: number, operation: string): RouteDecision {
  const terms = { launchMs: 1, computeMs: 2, transferMs: 3, queueMs: 4 };
  const one = { sigma: 0.25, samples: 7, source: 'learned', bytesToMove: 4096, chunkCount: 1 };
  return {
    id,
    operation,
    dtype: 'f32',
    work: 2e9,
    chosen: 'webgpu:0',
    reason: 'fastest',
    confidence: 0.75,
    chunkCount: 2,
    predictions: [
      { device: 'wasm:2', totalMs: 20, terms: { ...terms, computeMs: 12 }, ...one },
      { device: 'webgpu:0', totalMs: 10, terms, ...one, chunkCount: 2 },
    ],
    refused: [{ device: 'typescript', reason: 'memory' }],
    crossoverWork: id % 2 === 0 ? 1e6 : null,
    modelVersion: 3,
  };
}

const LIMITS = {
  maxBufferBytes: 2 ** 31,
  maxStorageBindingBytes: 2 ** 30,
  maxUniformBindingBytes: 65_536,
  maxWorkgroupsPerDimension: 65_535,
  maxInvocationsPerWorkgroup: 1024,
  maxWorkgroupStorageBytes: 49_152,
  maxStorageBuffers: 10,
};

const OPERATION: OperationStatus = {
  op: 'gpu.matmul',
  device: 'webgpu:0',
  count: 3,
  totalNs: 6e6,
  meanNs: 2e6,
  minNs: 1e6,
  maxNs: 3e6,
  stdNs: NaN,
  p50Ns: 2e6,
  p95Ns: NaN,
  p99Ns: NaN,
  queueNs: 1e6,
  uploadNs: 1e6,
  kernelNs: 2e6,
  readbackNs: 1e6,
  overheadNs: 1e6,
  gbPerS: 1.5,
  gflopPerS: NaN,
  rooflinePercent: NaN,
};

const STATUS: RuntimeStatus = {
  startEpochMs: START_EPOCH_MS,
  devices: [
    { id: 'wasm:2', kind: 'wasm', name: 'some CPU', share: 1, owner: 'process 1' },
    {
      id: 'webgpu:0',
      kind: 'webgpu',
      provider: 'webgpu',
      name: 'Card',
      limits: LIMITS,
      features: ['shader-f16'],
      lossCount: 1,
    },
    { kind: 'webgpu', provider: 'kmamal', name: '', absentReason: 'not installed' },
  ],
  workers: { workerCount: 2, queuedTaskCount: 5, finishedItemCount: 2 ** 40 },
  memory: [
    { device: 'host', usedBytes: 1, reservedBytes: 2, budgetBytes: 2 ** 35, budgetSource: 'os', pressureLevel: 'low' },
    {
      device: 'webgpu:0',
      usedBytes: 0,
      reservedBytes: 0,
      budgetSource: 'unknown',
      leaks: [
        {
          label: 'sky.join.places',
          kind: 'slope',
          liveBytes: 2 ** 34,
          liveCount: 7,
          grownBytes: 2 ** 20,
          overSeconds: 22.5,
          oldestSeconds: 60,
          stack: 'Error: at test.ts:1',
        },
      ],
    },
  ],
  router: {
    operations: [
      {
        operation: 'gpu.matmul',
        dtype: 'f32',
        modelVersion: 3,
        models: [
          {
            device: 'wasm:2',
            source: 'prior',
            samples: 0,
            launchMs: 0.1,
            workPerSecond: 1e9,
            bytesPerSecond: null,
            sigma: 1,
            slowed: false,
          },
        ],
        crossoverHost: [{ device: 'wasm:2', from: 1, to: 1024 }],
        crossoverDevice: [],
      },
    ],
    regret: [{ operation: 'gpu.matmul', calls: 9, actualMs: 30, bestPredictedMs: 25, explorationMs: 1, overrideMs: 2 }],
    exploration: { spentMs: 1, totalMs: 300 },
    shadow: [{ operation: 'gpu.xor', runs: 5, differences: 1, otherFaster: 2 }],
  },
  profiler: {
    enabled: true,
    spanCount: 4,
    overwrittenCount: 5,
    droppedCount: 6,
    operations: [OPERATION],
    advice: ['rest'],
  },
};

/** Plain data in place of a runtime: 150 decisions, odd ones on gpu.xor; profiles that name their format. */
export function fakeRuntimeSource(profileByteCount = 10): RuntimeSource {
  return {
    operations: () => [
      { name: 'gpu.matmul', dtypes: ['f32', 'f64'] },
      { name: 'gpu.xor', dtypes: ['u8'] },
    ],
    status: () => Promise.resolve(STATUS),
    profile: (format) =>
      Promise.resolve({
        mediaType: `test/${format}`,
        content: Uint8Array.from({ length: profileByteCount }, (_, i) => i % 251),
      }),
    decisions: () =>
      Array.from({ length: 150 }, (_, i) => {
        const id = 150 - i;
        return {
          decision: fakeDecision(id, id % 2 === 1 ? 'gpu.xor' : 'gpu.matmul'),
          epochMs: START_EPOCH_MS + id,
          actualMs: id === 150 ? null : id,
        };
      }),
    explain: ({ operation, dtype, size }) => ({
      decision: { ...fakeDecision(0, operation), dtype, work: typeof size === 'number' ? size : size.work },
      text: JSON.stringify(size),
    }),
  };
}

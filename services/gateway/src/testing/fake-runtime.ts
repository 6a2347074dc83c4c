import type { RouteDecision, RuntimeSource } from '@armilla/chassis';

/** The page of a profile: its body begins beyond the first piece of the answer. */
export const FAKE_PAGE = `<!doctype html><html><head><style>${'/* style */'.repeat(120_000)}</style></head><body><main>times</main></body></html>`;

function decision(id: number, operation: string, dtype: string, work: number): RouteDecision {
  const terms = { launchMs: 1, computeMs: 2, transferMs: 0, queueMs: 0 };
  const rest = { sigma: 0.5, samples: 1, source: 'prior', bytesToMove: 0, chunkCount: 1 };
  return {
    id,
    operation,
    dtype,
    work,
    chosen: 'wasm:2',
    reason: 'only-device',
    confidence: 1,
    chunkCount: 1,
    predictions: [{ device: 'wasm:2', totalMs: 3, terms, ...rest }],
    refused: [{ device: 'onnxruntime', reason: 'no-backend' }],
    crossoverWork: null,
    modelVersion: 1,
  };
}

/** A runtime that computes nothing and decided three times. */
export const FAKE_RUNTIME: RuntimeSource = {
  operations: () => [{ name: 'gpu.matmul', dtypes: ['f32', 'f64'] }],
  status: async () => ({
    startEpochMs: 0,
    devices: [{ id: 'wasm:2', kind: 'wasm', name: 'CPU', share: 1, owner: 'process 1' }],
    workers: { workerCount: 2, queuedTaskCount: 0, finishedItemCount: 7 },
    memory: [
      { device: 'host', usedBytes: 1, reservedBytes: 2, budgetBytes: 4, budgetSource: 'os', pressureLevel: 'low' },
    ],
    router: { operations: [], regret: [], exploration: { spentMs: 0, totalMs: 0 }, shadow: [] },
    profiler: { enabled: true, spanCount: 0, overwrittenCount: 0, droppedCount: 0, operations: [], advice: [] },
  }),
  profile: async (format) => ({
    mediaType: format === 'html' ? 'text/html; charset=utf-8' : `test/${format}`,
    content: new TextEncoder().encode(format === 'html' ? FAKE_PAGE : `"${format}"`),
  }),
  decisions: () =>
    [3, 2, 1].map((id) => ({ decision: decision(id, 'gpu.matmul', 'f32', 8), epochMs: 1000 * id, actualMs: id })),
  explain: ({ operation, dtype, size }) => ({
    decision: decision(0, operation, dtype, typeof size === 'number' ? size : size.work),
    text: JSON.stringify(size),
  }),
};

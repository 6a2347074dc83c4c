import type { Device, Job, JobResult } from '@armilla/gpu-core';

const LIMITS = {
  maxBufferBytes: 2 ** 32,
  maxStorageBindingBytes: 2 ** 31,
  maxUniformBindingBytes: 2 ** 16,
  maxWorkgroupsPerDimension: 2 ** 16 - 1,
  maxInvocationsPerWorkgroup: 1024,
  maxWorkgroupStorageBytes: 2 ** 15,
  maxStorageBuffers: 10,
};
// Words of the structures Block and Visit of the join's kernel.
const BLOCK = { words: 4, firstRow: 0, rowCount: 1, firstVisit: 2, visitCount: 3 };
const VISIT = { words: 9, firstPlace: 3, placeCount: 4 };

/**
 * A device that answers a join at once and wrongly: one candidate a left row, of the first cell that its block visits. What a
 * match takes with it is the host's work; `ownMs` of it went into the answers.
 */
export class StandIn {
  ownMs = 0;
  readonly device = {
    info: { kind: 'webgpu', name: 'stand-in', software: false, limits: LIMITS },
    lossCount: 0,
    memory: () => Promise.resolve({ budget: { source: 'none' } }),
    keep: (data: ArrayBufferView, label: string) => ({
      id: 0,
      label,
      byteLength: data.byteLength,
      [Symbol.dispose]: () => undefined,
    }),
    run: (job: Job): Promise<JobResult> => Promise.resolve(this.#answer(job)),
  } as unknown as Device;

  #answer({ buffers }: Job): JobResult {
    const start = performance.now();
    const blocks = wordsOf(buffers.blocks);
    const visits = wordsOf(buffers.visits);
    const found = new Uint32Array(wordCountOf(buffers.found));
    const candidates = new Uint32Array(wordCountOf(buffers.candidates));
    let total = 0;
    for (let block = 0; block < blocks.length; block += BLOCK.words) {
      const visit = VISIT.words * blocks[block + BLOCK.firstVisit];
      if (blocks[block + BLOCK.visitCount] === 0) continue;
      const firstRow = blocks[block + BLOCK.firstRow];
      for (let i = 0; i < blocks[block + BLOCK.rowCount]; i++) {
        found.set([total, 1], 2 * (firstRow + i));
        candidates[total++] = visits[visit + VISIT.firstPlace] + (i % visits[visit + VISIT.placeCount]);
      }
    }
    this.ownMs += performance.now() - start;
    const outputs = { found: found.buffer, candidates: candidates.buffer, total: Uint32Array.of(total).buffer };
    return { outputs } as unknown as JobResult;
  }
}

function wordsOf(buffer: Job['buffers'][string]): Uint32Array {
  const { data } = buffer as { data: ArrayBufferView };
  return new Uint32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

function wordCountOf(buffer: Job['buffers'][string]): number {
  return (buffer as { byteLength: number }).byteLength / 4;
}

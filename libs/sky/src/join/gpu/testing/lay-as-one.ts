import type { Runtime } from '@armilla/gpu-core';
import { RECORD_BYTES, TASK } from '../../layout.js';
import { joinProgram } from '../join-program.js';
import { Runs } from '../runs.js';

export interface LaidRun {
  readonly centre: readonly number[];
  readonly radius: number;
  /** [rows, 3] in the order of the rows given. */
  readonly offsets: Float32Array;
}

/** Lays rows, no more than a block has, as one run; ra in [0, 360), dec in [-90, 90] degrees. */
export async function layAsOne(
  runtime: Runtime,
  { ra, dec }: { readonly ra: Float64Array; readonly dec: Float64Array },
): Promise<LaidRun> {
  const heap = runtime.openHeap(1 << 20, 'test');
  try {
    using records = heap.lease(ra.length * RECORD_BYTES, 'test');
    using tasks = heap.lease(TASK.bytes, 'test');
    const view = new DataView(heap.buffer);
    for (let i = 0, at = records.offset; i < ra.length; i++, at += RECORD_BYTES) {
      view.setFloat64(at, ra[i], true);
      view.setFloat64(at + 8, dec[i], true);
      view.setInt32(at + 16, i, true);
    }
    view.setInt32(tasks.offset + TASK.from, 0, true);
    view.setInt32(tasks.offset + TASK.to, ra.length, true);
    const stride = joinProgram().row.byteLength;
    using runs = await Runs.lay(
      {
        runtime,
        heap,
        records: records.offset,
        recordCount: ra.length,
        tasks: tasks.offset,
        taskCount: 1,
      },
      { most: ra.length, stride, side: 'left' },
    );
    const [x, y, z, radius] = new Float64Array(heap.buffer, runs.balls, 4);
    const bytes = runs.rows(0, ra.length);
    const rows = new Float32Array(bytes.buffer, bytes.byteOffset, (ra.length * stride) / 4);
    const ranks = new Int32Array(heap.buffer, runs.ranks, ra.length);
    const offsets = Float32Array.from({ length: 3 * ra.length }, (_, i) => {
      return rows[(ranks[Math.floor(i / 3)] * stride) / 4 + (i % 3)];
    });
    return { centre: [x, y, z], radius, offsets };
  } finally {
    runtime.closeHeap(heap);
  }
}

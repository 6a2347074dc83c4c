import { parentPort, workerData } from 'node:worker_threads';
import { enterBackground, problemToJson, toProblem } from '@armilla/base';
import { decodeColumns, doTask, encodeColumns, type ParquetTask, ROLE } from './tasks.js';

// Entry of a pool's thread; in any other thread the module only offers its functions (for pools of others).
export { decodeColumns, encodeColumns };

/** All buffers of a result that can move instead of being copied. */
function movable(value: unknown, found: Set<ArrayBuffer>): void {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer);
  } else if (value !== null && typeof value === 'object') {
    for (const inner of Object.values(value)) movable(inner, found);
  }
}

if (parentPort && (workerData as { role?: string } | null)?.role === ROLE) {
  const port = parentPort;
  enterBackground();
  port.on('message', (task: ParquetTask) => {
    void (async () => {
      try {
        const result = await doTask(task);
        const buffers = new Set<ArrayBuffer>();
        movable(result, buffers);
        port.postMessage({ result }, [...buffers]);
      } catch (error) {
        port.postMessage({ problem: problemToJson(toProblem(error)) });
      }
    })();
  });
}

import type { ColumnValues, Leaf } from '../format/leaf.js';
import type { ColumnChunk } from '../format/metadata.js';
import type { FileSource } from '../source.js';
import type { ParquetPool } from '../work/pool.js';
import type { WantedChunk } from '../work/tasks.js';

/** Decoded bytes of a task: large beside the cost of a message, small beside a row group. */
const TASK_BYTES = 4 << 20;

/** Bytes of a column when decoded, as the metadata claim. */
export function memoryOf(chunk: ColumnChunk, leaf: Leaf): number {
  const { layout } = leaf;
  if (layout.kind === 'fixed') return chunk.valueCount * layout.byteWidth;
  return layout.kind === 'bits' ? chunk.valueCount / 8 : chunk.valueCount * 4 + chunk.uncompressedByteLength;
}

/** Decodes the columns of one row group in the threads of the pool, a few columns per task. */
export async function decodeInPool(
  pool: ParquetPool,
  source: FileSource,
  chunks: readonly WantedChunk[],
  shared: boolean,
  signal: AbortSignal,
): Promise<ColumnValues[]> {
  const tasks: WantedChunk[][] = [];
  let size = Infinity;
  for (const wanted of chunks) {
    if (size >= TASK_BYTES) {
      tasks.push([]);
      size = 0;
    }
    tasks[tasks.length - 1].push(wanted);
    size += memoryOf(wanted.chunk, wanted.leaf);
  }
  const results = tasks.map((columns) => pool.run({ kind: 'decode', fd: source.fd, columns, shared }, signal));
  // All must have ended before the file may be closed, whichever fails.
  const settled = await Promise.allSettled(results);
  return settled.flatMap((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

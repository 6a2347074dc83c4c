import { Channel } from '@armilla/base';
import { RecordBatch, type Schema } from 'apache-arrow';
import type { PickedRows } from '../pick/picks.js';
import { ParquetWriter, type ParquetWriterOptions } from './writer.js';

interface Piece {
  readonly bytes: Uint8Array;
  done(): void;
}

/**
 * The bytes of a Parquet file, as they come; batches are gathered and encoded while the reader is busy with the bytes
 * before. With `recycle` the reader must be done with a piece when it asks for the next.
 */
export async function* encodeParquet(
  schema: Schema,
  batches: AsyncIterable<RecordBatch | PickedRows>,
  options: ParquetWriterOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = new Channel<Piece>(1);
  const left = new AbortController();
  const sink = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const onLeft = (): void => reject(left.signal.reason);
      if (left.signal.aborted) return onLeft();
      left.signal.addEventListener('abort', onLeft, { once: true });
      const done = (): void => {
        left.signal.removeEventListener('abort', onLeft);
        resolve();
      };
      void pieces.send({ bytes, done });
    });
  const writer = new ParquetWriter(schema, sink, options);
  const writing = writeAll(writer, batches, left.signal).then(
    () => pieces.close(),
    (error: unknown) => pieces.close(error),
  );
  try {
    for await (const piece of pieces) {
      yield piece.bytes;
      piece.done();
    }
  } finally {
    left.abort();
    await writing;
  }
}

async function writeAll(
  writer: ParquetWriter,
  batches: AsyncIterable<RecordBatch | PickedRows>,
  left: AbortSignal,
): Promise<void> {
  try {
    for await (const batch of batches) {
      // Picked rows must reach the writer, which releases them.
      if (batch instanceof RecordBatch) {
        left.throwIfAborted();
        await writer.write(batch);
      } else await writer.writePicked(batch);
    }
    await writer.finish();
  } finally {
    await writer.close();
  }
}

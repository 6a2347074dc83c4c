import { fail } from '@armilla/base';
import { type Frame, makeFrame } from '@armilla/chassis';
import { IPC_END, ipcBytes } from '@armilla/tables';
import { type Progress, StreamEvent, type StreamSummary, TableEnd } from '@armilla/proto';
import { FrameCutter } from './frame-cutter.js';

/**
 * An Arrow IPC stream as frames of `table`, closed by an end mark that carries what `end` says then. Messages are cut where they end and never decoded:
 * the service validates them.
 */
export async function* framesOfIpc(
  bytes: AsyncIterable<Uint8Array>,
  table: number,
  where: string,
  end: () => TableEnd | undefined = () => undefined,
): AsyncGenerator<Frame, void, undefined> {
  const cutter = new FrameCutter(table, where);
  for await (const chunk of bytes) yield* cutter.push(chunk);
  cutter.finish();
  const said = end();
  yield makeFrame({ table, endOfTable: true, metadata: said && TableEnd.encode(said).finish() });
}

/** What an answer says beside its rows. */
export interface AnswerEvents {
  onProgress(progress: Progress): void;
  onSummary(summary: StreamSummary): void;
}

/**
 * Answer frames as the bytes of an Arrow IPC stream, a few parts at a time, nothing copied. The end mark comes only
 * after the summary: a stream that lost its end throws STREAM_INCOMPLETE instead, and no reader takes it for whole.
 */
export async function* ipcOfFrames(
  frames: AsyncIterable<Frame>,
  events: AnswerEvents,
): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  let complete = false;
  let byteCount = 0;
  for await (const frame of frames) {
    const parts = frame.header.byteLength > 0 ? ipcBytes(frame) : frame.body;
    if (complete && parts.length > 0)
      throw fail('STREAM_ORDER', { where: 'answer of the service', detail: 'rows after the summary' });
    if (parts.length > 0) {
      byteCount += frame.bodyLength;
      yield parts;
    }
    if (frame.metadata === undefined || frame.metadata.byteLength === 0) continue;
    const { event } = StreamEvent.decode(frame.metadata);
    if (event?.$case === 'progress') events.onProgress(event.value);
    if (event?.$case === 'summary') {
      events.onSummary(event.value);
      complete = true;
    }
  }
  if (!complete)
    throw fail('STREAM_INCOMPLETE', { where: 'answer of the service', detail: `after ${byteCount} bytes` });
  yield [IPC_END];
}

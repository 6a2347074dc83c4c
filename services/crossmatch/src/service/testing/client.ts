import { crc32c, cutMessage, type Frame, FrameAssembler, makeFrame, readFrames, writeFrame } from '@armilla/chassis';
import {
  MatchOptions,
  MatchRequest,
  MatchSummary,
  type Progress,
  StreamEvent,
  type StreamSummary,
} from '@armilla/proto';
import { MessageDecoder, MessageEncoder } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Readable, Writable } from 'node:stream';

/** The frames of a table, cut into batches of `batchRowCount` rows. */
export function* tableFrames(table: Table, number: number, batchRowCount = 1000): Generator<Frame> {
  const encoder = new MessageEncoder(table.schema);
  yield* cutMessage(encoder.schemaMessage(), number);
  for (let from = 0; from < table.numRows; from += batchRowCount) {
    for (const batch of table.slice(from, from + batchRowCount).batches)
      for (const message of encoder.encode(batch)) yield* cutMessage(message, number);
  }
  yield makeFrame({ table: number, endOfTable: true });
}

export function requestFrame(
  request: Partial<Omit<MatchRequest, 'options'>> & { options: Partial<MatchOptions> },
): Frame {
  const options = MatchOptions.fromPartial(request.options);
  return makeFrame({
    metadata: MatchRequest.encode(MatchRequest.fromPartial({ ...request, options })).finish(),
    table: 1,
  });
}

/** Sends frames one after the other, then half-closes. */
export async function send(
  call: ClientDuplexStream<Frame, Frame>,
  frames: Iterable<Frame> | AsyncIterable<Frame>,
): Promise<void> {
  for await (const frame of frames) await writeFrame(call as unknown as Writable, frame);
  call.end();
}

export interface Rows {
  readonly batches: RecordBatch[];
  readonly progress: Progress[];
  readonly summary: StreamSummary;
}

export interface Answer extends Rows {
  readonly detail: MatchSummary;
}

export async function receive(
  call: ClientDuplexStream<Frame, Frame>,
  onBatch?: (batch: RecordBatch) => void | Promise<void>,
): Promise<Answer> {
  const rows = await receiveRows(call, onBatch);
  return { ...rows, detail: MatchSummary.fromJSON(JSON.parse(rows.summary.detailJson)) };
}

/** Reads a whole answer; throws the server's Problem, and an Error when the stream ends without its summary. */
export async function receiveRows(
  call: ClientDuplexStream<Frame, Frame>,
  onBatch?: (batch: RecordBatch) => void | Promise<void>,
): Promise<Rows> {
  const assembler = new FrameAssembler();
  const decoder = new MessageDecoder({ where: 'answer' });
  const batches: RecordBatch[] = [];
  const progress: Progress[] = [];
  let crc = 0;
  let summary: StreamSummary | undefined;
  for await (const frame of readFrames<Frame>(call as unknown as Readable)) {
    if (frame.metadata) {
      const { event } = StreamEvent.decode(frame.metadata);
      if (event?.$case === 'progress') progress.push(event.value);
      if (event?.$case === 'summary') summary = event.value;
    }
    const assembled = assembler.push(frame);
    const batch = assembled && decoder.decode(assembled.message);
    if (!batch) continue;
    for (const part of assembled.message.body) crc = crc32c(part, crc);
    batches.push(batch);
    await onBatch?.(batch);
  }
  if (!summary) throw new Error('the answer ended without its summary');
  if (crc !== summary.bodyCrc32c) throw new Error(`checksum ${crc}, the summary says ${summary.bodyCrc32c}`);
  return { batches, progress, summary };
}

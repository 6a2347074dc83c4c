import { crc32c, cutMessage, type Frame, makeFrame, sealFrame } from '@armilla/chassis';
import { StreamEvent } from '@armilla/proto';
import { MessageEncoder } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import type { MatchStream } from '../stream.js';
import type { Progress } from '../summary.js';
import { protoProgress } from './describe.js';

export interface AnswerOptions {
  /** Sum each frame with CRC-32C. */
  readonly crc: boolean;
  /** The progress to tell now; undefined when there is nothing new. */
  readonly progress: () => Progress | undefined;
  /** Waits for the end of what the client sends, after the last batch; throws when it is not the end. */
  readonly finishInput: () => Promise<void>;
  /** MatchSummary in protobuf JSON, asked for after the last batch. */
  readonly detailJson: () => string;
}

/** Progress is told at most this often. */
const PROGRESS_MS = 250;

/** A match as response frames: schema, batches, progress meanwhile, and the summary in the last frame. */
export async function* answerFrames(
  stream: MatchStream,
  options: AnswerOptions,
): AsyncGenerator<Frame, void, undefined> {
  const { crc } = options;
  const encoder = new MessageEncoder(stream.schema);
  yield* cutMessage(encoder.schemaMessage(), 0, { crc });
  let rowCount = 0;
  let batchCount = 0;
  let bodyCrc32c = 0;
  for await (const item of withProgress(stream, options.progress)) {
    if ('stage' in item) {
      yield event({ $case: 'progress', value: protoProgress(item) }, crc);
      continue;
    }
    rowCount += item.numRows;
    batchCount++;
    for (const message of encoder.encode(item)) {
      for (const part of message.body) bodyCrc32c = crc32c(part, bodyCrc32c);
      yield* cutMessage(message, 0, { crc });
    }
  }
  await options.finishInput();
  const value = {
    rowCount: BigInt(rowCount),
    batchCount: BigInt(batchCount),
    bodyCrc32c,
    detailJson: options.detailJson(),
  };
  yield event({ $case: 'summary', value }, crc, true);
}

function event(of: StreamEvent['event'], crc: boolean, endOfTable = false): Frame {
  const frame = makeFrame({ metadata: StreamEvent.encode({ event: of }).finish(), endOfTable });
  return crc ? sealFrame(frame) : frame;
}

/** The batches, and the progress where the wait for one is long. */
async function* withProgress(
  stream: MatchStream,
  progress: () => Progress | undefined,
): AsyncGenerator<RecordBatch | Progress, void, undefined> {
  const batches = stream[Symbol.asyncIterator]();
  let toldMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  try {
    let next = batches.next();
    for (;;) {
      const tick = new Promise<undefined>(
        (resolve) =>
          (timer = setTimeout(() => resolve(undefined), Math.max(0, toldMs + PROGRESS_MS - performance.now()))),
      );
      const result = await Promise.race([next, tick]);
      clearTimeout(timer);
      if (performance.now() - toldMs >= PROGRESS_MS) {
        toldMs = performance.now();
        const now = progress();
        if (now) yield now;
      }
      if (!result) continue;
      if (result.done) return;
      yield result.value;
      next = batches.next();
    }
  } finally {
    clearTimeout(timer);
    await batches.return?.();
  }
}

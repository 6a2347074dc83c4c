import { crc32c, cutMessage, type Frame, makeFrame, sealFrame } from '@armilla/chassis';
import { StreamEvent } from '@armilla/proto';
import { MessageEncoder, PROVENANCE_KEY, withMetadata } from '@armilla/tables';
import { matchProvenance } from '../provenance.js';
import type { MatchAnswer } from './core.js';
import { protoProgress } from './describe.js';
import { withProgress } from './with-progress.js';

export interface AnswerOptions {
  /** Sum each frame with CRC-32C. */
  readonly crc: boolean;
  /** Waits for the end of what the client sends, after the last batch; throws when it is not the end. */
  readonly finishInput: () => Promise<void>;
}

/** A match as response frames: schema, batches, progress meanwhile, and the summary in the last frame. */
export async function* answerFrames(
  { stream, stored, progress, detailJson }: MatchAnswer,
  { crc, finishInput }: AnswerOptions,
): AsyncGenerator<Frame, void, undefined> {
  const provenance = { [PROVENANCE_KEY]: JSON.stringify(matchProvenance(stream, stored)) };
  const encoder = new MessageEncoder(withMetadata(stream.schema, provenance));
  yield* cutMessage(encoder.schemaMessage(), 0, { crc });
  let rowCount = 0;
  let batchCount = 0;
  let bodyCrc32c = 0;
  for await (const item of withProgress(stream, progress)) {
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
  await finishInput();
  const value = {
    rowCount: BigInt(rowCount),
    batchCount: BigInt(batchCount),
    bodyCrc32c,
    detailJson: detailJson(),
  };
  yield event({ $case: 'summary', value }, crc, true);
}

function event(of: StreamEvent['event'], crc: boolean, endOfTable = false): Frame {
  const frame = makeFrame({ metadata: StreamEvent.encode({ event: of }).finish(), endOfTable });
  return crc ? sealFrame(frame) : frame;
}

import type { Frame } from '@armilla/chassis';
import { PROVENANCE_KEY, withMetadata } from '@armilla/tables';
import { matchProvenance } from '../provenance.js';
import { AnswerEncoder } from './answer-encoder.js';
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
  { stream, stored, storedLeft, progress, detailJson }: MatchAnswer,
  { crc, finishInput }: AnswerOptions,
): AsyncGenerator<Frame, void, undefined> {
  const provenance = { [PROVENANCE_KEY]: JSON.stringify(matchProvenance(stream, stored, storedLeft)) };
  const encoder = new AnswerEncoder(withMetadata(stream.schema, provenance), crc);
  yield* encoder.schemaFrames();
  for await (const item of withProgress(stream, progress)) {
    if ('stage' in item) yield encoder.eventFrame({ $case: 'progress', value: protoProgress(item) });
    else yield* encoder.batchFrames(item);
  }
  await finishInput();
  yield encoder.summaryFrame(detailJson());
}

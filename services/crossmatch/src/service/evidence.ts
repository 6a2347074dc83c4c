import type { CallContext, Frame } from '@armilla/chassis';
import type { GetEvidenceRequest } from '@armilla/proto';
import { evidenceBatch } from '../trust/evidence-table.js';
import { AnswerEncoder } from './answer-encoder.js';
import type { CrossmatchCore } from './core.js';

/** The GetEvidence of armilla.crossmatch.v1. */
export async function* evidenceFrames(
  { results, server }: CrossmatchCore,
  { requestId }: GetEvidenceRequest,
  { principal }: CallContext,
): AsyncGenerator<Frame, void, undefined> {
  const batch = evidenceBatch(results.evidence(requestId, principal));
  const encoder = new AnswerEncoder(batch.schema, server.config.frameCrc);
  yield* encoder.schemaFrames();
  yield* encoder.batchFrames(batch);
  yield encoder.summaryFrame('');
}

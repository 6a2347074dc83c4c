import { RoutedDecision } from '@armilla/proto';
import { whole } from './describe-status.js';
import { type RouteDecision, type RoutedCall } from './runtime-source.js';

/** A decision as a message of the contract; without `call` one that was not taken. */
export function protoDecision(
  decision: RouteDecision,
  call?: Pick<RoutedCall, 'epochMs' | 'actualMs'>,
): RoutedDecision {
  return RoutedDecision.fromPartial({
    id: whole(decision.id),
    createTime: call && new Date(call.epochMs).toISOString(),
    operation: decision.operation,
    dtype: decision.dtype,
    work: decision.work,
    chosen: decision.chosen,
    reason: decision.reason,
    confidence: decision.confidence,
    chunkCount: whole(decision.chunkCount),
    predictions: decision.predictions.map(({ terms, samples, bytesToMove, chunkCount, ...prediction }) => ({
      ...prediction,
      ...terms,
      sampleCount: whole(samples),
      movedBytes: bytesToMove,
      chunkCount: whole(chunkCount),
    })),
    refused: decision.refused.map(({ device, reason, detail = '' }) => ({ device, reason, detail })),
    crossoverWork: decision.crossoverWork ?? undefined,
    modelVersion: whole(decision.modelVersion),
    actualMs: call?.actualMs ?? undefined,
    deadlineMs: decision.request?.deadlineMs,
    second: decision.second,
  });
}

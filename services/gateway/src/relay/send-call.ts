import type { Frame } from '@armilla/chassis';
import { mediaTypeOf } from '@armilla/tables';
import type { ClientReadableStream } from '@grpc/grpc-js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerFormat } from '../answer/answer-format.js';
import { ClientWriter } from '../answer/client-writer.js';
import { sendAnswer } from '../answer/send-answer.js';
import { type GatewayParts, readerLimits } from '../http/gateway-parts.js';
import { formatAnswer } from '../tables/format-answer.js';
import { answerOf } from './answer-of-call.js';
import { ipcOfFrames } from './ipc-frames.js';

export interface CallToSend {
  /** Starts the call, once there is a place for its answer. */
  readonly call: () => ClientReadableStream<Frame>;
  readonly format: AnswerFormat;
  /** Headers of the service that are passed on. */
  readonly passedHeaders: readonly string[];
}

/** The rows of a call to the service as the answer of a request that has no body, in the asked format, as they come. */
export async function sendCall(
  { exchange }: FastifyRequest,
  reply: FastifyReply,
  { places, config }: GatewayParts,
  { call, format, passedHeaders }: CallToSend,
): Promise<void> {
  const { signal } = exchange;
  const leave = places.take();
  reply.raw.once('close', leave);
  const writer = new ClientWriter(
    reply.raw,
    readerLimits(config),
    signal,
    () => false,
    (byteCount) => (exchange.sentBytes += byteCount),
  );
  try {
    const { frames, headers } = answerOf(call(), passedHeaders, signal);
    const ipc = ipcOfFrames(frames, { onProgress: () => undefined, onSummary: () => undefined });
    await sendAnswer(writer, formatAnswer(ipc, format, signal), () => ({
      'content-type': mediaTypeOf(format),
      'cache-control': 'no-store',
      'x-request-id': exchange.requestId,
      ...headers(),
    }));
  } catch (error) {
    exchange.abort(error);
    throw error;
  } finally {
    writer.release();
    exchange.release();
  }
}

import type { Frame } from '@armilla/chassis';
import { mediaTypeOf } from '@armilla/tables';
import type { ClientReadableStream } from '@grpc/grpc-js';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerFormat } from '../answer/answer-format.js';
import { sendParts } from '../answer/send-parts.js';
import type { GatewayParts } from '../http/gateway-parts.js';
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
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  { call, format, passedHeaders }: CallToSend,
): Promise<void> {
  const { signal } = request.exchange;
  await sendParts(request, reply, parts, () => {
    const { messages, headers } = answerOf<Frame>(call(), passedHeaders, signal);
    const ipc = ipcOfFrames(messages, { onProgress: () => undefined, onSummary: () => undefined });
    return {
      parts: formatAnswer(ipc, format, signal),
      head: () => ({ 'content-type': mediaTypeOf(format), ...headers() }),
    };
  });
}

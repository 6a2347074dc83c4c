import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import { type GatewayParts, readerLimits } from '../http/gateway-parts.js';
import { ClientWriter } from './client-writer.js';
import { sendAnswer } from './send-answer.js';

/** An answer in parts, and its headers, which are asked for when the first part is there. */
export interface PartedAnswer {
  readonly parts: AsyncIterable<readonly Uint8Array[]>;
  head(): OutgoingHttpHeaders;
}

/** Sends what `open` gives as the answer of a request that has no body, at the pace of its reader, once there is a place for it. */
export async function sendParts(
  { exchange }: FastifyRequest,
  reply: FastifyReply,
  { places, config }: GatewayParts,
  open: () => PartedAnswer,
): Promise<void> {
  const leave = places.take();
  reply.raw.once('close', leave);
  const writer = new ClientWriter(
    reply.raw,
    readerLimits(config),
    exchange.signal,
    () => false,
    (byteCount) => (exchange.sentBytes += byteCount),
  );
  try {
    const { parts, head } = open();
    await sendAnswer(writer, parts, () => ({
      'cache-control': 'no-store',
      'x-request-id': exchange.requestId,
      ...head(),
    }));
  } catch (error) {
    exchange.abort(error);
    throw error;
  } finally {
    writer.release();
    exchange.release();
  }
}

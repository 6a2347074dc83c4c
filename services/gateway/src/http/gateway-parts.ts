import { fail } from '@armilla/base';
import type { Config, Log } from '@armilla/chassis';
import type { FastifyRequest } from 'fastify';
import type { RecentResults } from '../results/recent-results.js';
import type { Places } from './places.js';
import type { CrossmatchClient } from '../service/crossmatch-client.js';
import type { RuntimeClient } from '../service/runtime-client.js';
import type { Spool } from '../upload/spool.js';
import { bodyChunks, type BodyLimits } from '../upload/body.js';
import { contentEncoding, inflated } from '../upload/content-encoding.js';
import type { ReaderLimits } from '../answer/client-writer.js';

/** What the routes share. */
export interface GatewayParts {
  readonly config: Config;
  readonly log: Log;
  readonly crossmatch: CrossmatchClient;
  readonly runtime: RuntimeClient;
  readonly spool: Spool;
  readonly results: RecentResults;
  /** Limits the streams that run at once. */
  readonly places: Places;
  readonly version: string;
  /** Metrics in the text format of Prometheus. */
  metricsText(): string | Promise<string>;
  /** Whether the gateway is stopping. */
  draining(): boolean;
}

/**
 * The body of a request within the limits of the configuration; inflated where it says that it is
 * gzipped; a client that asked is told to send when it is first read.
 */
export async function* bodyOf(
  { exchange, raw, headers }: FastifyRequest,
  config: Config,
): AsyncGenerator<Buffer, void, undefined> {
  const announced = Number(headers['content-length'] ?? 0);
  if (announced > config.uploadLimitBytes)
    throw fail('MESSAGE_TOO_LARGE', { where: 'request body', got: announced, limit: config.uploadLimitBytes });
  const encoding = contentEncoding(headers);
  if (/^100-continue$/i.test(headers.expect ?? '')) exchange.reply.raw.writeContinue();
  const chunks = bodyChunks(
    raw,
    bodyLimits(config),
    exchange.signal,
    (byteCount) => (exchange.receivedBytes += byteCount),
  );
  yield* encoding === 'gzip' ? inflated(chunks, config.uploadLimitBytes) : chunks;
}

const bodyLimits = (config: Config): BodyLimits => ({
  maxBytes: config.uploadLimitBytes,
  minBytesPerSecond: config.minSenderBytesPerSecond,
  paceSeconds: config.senderWindowSeconds,
});

export const readerLimits = (config: Config): ReaderLimits => ({
  minBytesPerSecond: config.minReaderBytesPerSecond,
  paceSeconds: config.readerWindowSeconds,
});

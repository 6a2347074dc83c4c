import type { FastifyRequest } from 'fastify';
import { readDurationMs } from '../options/value.js';

/** `armilla-timeout: 30s` limits the whole exchange, like the option `timeout`, which wins where both are given. */
export function readTimeoutHeader(request: FastifyRequest): void {
  const timeout = request.headers['armilla-timeout'];
  if (timeout !== undefined) request.exchange.setTimeout(readDurationMs('armilla-timeout', timeout));
}

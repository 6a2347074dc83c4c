import { type GetProfileResponse, ProfileFormat } from '@armilla/proto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import { sendParts } from '../answer/send-parts.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import { orRefuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { GivenOptions, type RequestOption } from '../options/option.js';
import {
  DASHBOARD_OPTIONS,
  type DashboardDraft,
  PROFILE_OPTIONS,
  type ProfileDraft,
} from '../options/runtime-options.js';
import { answerOf } from '../relay/answer-of-call.js';
import { withRefreshControl } from './refresh-control.js';

type Parts = AsyncIterable<readonly Uint8Array[]>;

/** What the profiler of the server holds: as a file, and live as a page. */
export function profileRoutes(app: FastifyInstance, parts: GatewayParts): void {
  app.get('/v1/runtime/profile', async (request, reply) => {
    reply.hijack();
    await orRefuse(request, reply, parts.log, async () => {
      const { format } = readOptions<ProfileDraft>(request, PROFILE_OPTIONS, { format: ProfileFormat.JSON });
      await sendProfile(request, reply, parts, format, (pieces) => pieces, {});
    });
  });
  app.get('/dashboard', async (request, reply) => {
    reply.hijack();
    await orRefuse(request, reply, parts.log, async () => {
      const { refreshSeconds } = readOptions<DashboardDraft>(request, DASHBOARD_OPTIONS, { refreshSeconds: undefined });
      await sendProfile(
        request,
        reply,
        parts,
        ProfileFormat.HTML,
        (pieces) => withRefreshControl(pieces, refreshSeconds),
        {
          // What the page's own policy cannot say.
          'content-security-policy': "frame-ancestors 'none'",
          ...(refreshSeconds !== undefined && { refresh: String(refreshSeconds) }),
        },
      );
    });
  });
}

function readOptions<Draft>(request: FastifyRequest, table: readonly RequestOption<Draft>[], draft: Draft): Draft {
  const given = new GivenOptions();
  given.addQuery(request.query as Record<string, unknown>);
  readTimeoutHeader(request);
  given.read(table, draft);
  return draft;
}

async function sendProfile(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  format: ProfileFormat,
  shape: (pieces: Parts) => Parts,
  headers: OutgoingHttpHeaders,
): Promise<void> {
  const { exchange } = request;
  await sendParts(request, reply, parts, () => {
    const call = parts.runtime.getProfile(exchange, { format });
    const { messages } = answerOf<GetProfileResponse>(call, [], exchange.signal);
    let mediaType = 'application/octet-stream';
    const pieces = async function* (): AsyncGenerator<readonly Uint8Array[]> {
      for await (const message of messages) {
        mediaType = message.mediaType || mediaType;
        yield [message.content];
      }
    };
    return {
      parts: shape(pieces()),
      head: () => ({ 'content-type': mediaType, 'x-content-type-options': 'nosniff', ...headers }),
    };
  });
}

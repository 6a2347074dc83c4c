import { fail } from '@armilla/base';
import { PositionColumns, PutOptions } from '@armilla/proto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { bodyOf, type GatewayParts } from '../http/gateway-parts.js';
import { messageJson } from '../http/message-json.js';
import { refuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { readHandle } from '../options/match-options.js';
import { GivenOptions, type RequestOption } from '../options/option.js';
import { SIDE_OPTIONS } from '../options/side-options.js';
import { readDurationMs, readFlag, readText } from '../options/value.js';
import { sendTables } from '../relay/send-tables.js';
import { framesOfUpload } from '../tables/upload-ipc.js';

export interface PutDraft {
  ttlSeconds: number;
  readonly columns: PositionColumns;
  replace: boolean;
  timeoutMs: number | undefined;
}

export const PUT_OPTIONS: readonly RequestOption<PutDraft>[] = [
  {
    name: 'ttl',
    sentence: 'Time after its last use that the table is kept: 1h, 30m; a bare number is in seconds. Default 1h.',
    schema: { type: 'string', examples: ['1h'] },
    take: (draft, value) => (draft.ttlSeconds = Math.max(1, Math.round(readDurationMs('ttl', value) / 1000))),
  },
  ...SIDE_OPTIONS.filter(({ ofMatch }) => !ofMatch).map(({ name, sentence, key }): RequestOption<PutDraft> => ({
    name,
    sentence: `${sentence[0].toUpperCase()}${sentence.slice(1)}`,
    schema: { type: 'string', maxLength: 1024 },
    take: (draft, value) => {
      draft.columns[key] = readText(name, value);
    },
  })),
  {
    name: 'replace',
    sentence: 'Whether a table of that name is replaced. Default true; false refuses with HANDLE_EXISTS.',
    schema: { type: 'boolean' },
    take: (draft, value) => (draft.replace = readFlag('replace', value)),
  },
  {
    name: 'timeout',
    sentence: 'Time for the whole request: 30s, 2m; a bare number is in seconds.',
    schema: { type: 'string', examples: ['30s'] },
    take: (draft, value) => (draft.timeoutMs = readDurationMs('timeout', value)),
  },
];

type NamedTable = FastifyRequest<{ Params: { name: string } }>;

/** Stored tables: put, look at, list, delete. */
export function tableRoutes(app: FastifyInstance, parts: GatewayParts): void {
  const { crossmatch } = parts;
  app.put<{ Params: { name: string } }>('/v1/crossmatch/tables/:name', async (request, reply) => {
    reply.hijack();
    try {
      await putTable(request, reply, parts);
    } catch (error) {
      request.exchange.abort(error);
      const problem = await refuse(request, reply, request.exchange.signal.reason);
      parts.log.warn('put failed', {
        requestId: request.exchange.requestId,
        reason: problem.reason,
        message: problem.message,
      });
    }
  });
  app.get<{ Params: { name: string } }>('/v1/crossmatch/tables/:name', async (request) => {
    readTimeoutHeader(request);
    const { table } = await crossmatch.getTable(request.exchange, readHandle(request.params.name));
    return messageJson(table ?? {});
  });
  app.delete<{ Params: { name: string } }>('/v1/crossmatch/tables/:name', async (request, reply) => {
    readTimeoutHeader(request);
    await crossmatch.deleteTable(request.exchange, readHandle(request.params.name));
    reply.code(204);
  });
  app.get('/v1/crossmatch/tables', async (request) => {
    readTimeoutHeader(request);
    return messageJson(await crossmatch.listTables(request.exchange));
  });
}

async function putTable(request: NamedTable, reply: FastifyReply, parts: GatewayParts): Promise<void> {
  const { exchange } = request;
  const name = readHandle(request.params.name);
  const given = new GivenOptions();
  given.addQuery(request.query as Record<string, unknown>);
  const draft: PutDraft = {
    ttlSeconds: 0,
    columns: PositionColumns.fromPartial({}),
    replace: request.headers['if-none-match'] !== '*',
    timeoutMs: undefined,
  };
  given.read(PUT_OPTIONS, draft);
  readTimeoutHeader(request);
  if (draft.timeoutMs !== undefined) exchange.setTimeout(draft.timeoutMs);
  if (/^multipart\//i.test(request.headers['content-type'] ?? ''))
    throw fail('REQUEST_INVALID', {
      field: 'content-type',
      detail: 'the body is the table itself, not a form (with curl: -T FILE)',
    });

  const leave = parts.places.take();
  reply.raw.once('close', leave);
  const options = PutOptions.fromPartial({
    name,
    ttlSeconds: BigInt(draft.ttlSeconds),
    columns: draft.columns,
    replace: draft.replace,
  });
  const { call, response } = parts.crossmatch.put(exchange);
  // The call may be refused before everything is sent; the answer to it is awaited below either way.
  const upload = { table: 0, where: name, bytes: bodyOf(request, parts.config) } as const;
  const frames = framesOfUpload(upload, parts.spool, exchange.signal);
  const sending = sendTables(call, PutOptions.encode(options).finish(), frames, exchange.signal).catch(
    (error: unknown) => exchange.abort(error),
  );
  const { table } = await response;
  await sending;
  exchange.signal.throwIfAborted();
  const text = JSON.stringify(messageJson(table ?? {}));
  reply.raw.writeHead(201, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'x-request-id': exchange.requestId,
    location: `/v1/crossmatch/tables/${name}`,
  });
  reply.raw.end(text);
}

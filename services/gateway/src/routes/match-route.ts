import { fail } from '@armilla/base';
import { MatchRequest, MatchSummary } from '@armilla/proto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayParts } from '../http/gateway-parts.js';
import { type MatchDraft, matchRequest } from '../options/match-options.js';
import type { GivenOptions } from '../options/option.js';
import {
  hasRightUpload,
  orderedTables,
  readMatchDraft,
  refuseLeft,
  type UploadedTable,
} from '../upload/match-upload.js';
import { announcesBody, formOf } from '../upload/form.js';
import type { Spool } from '../upload/spool.js';
import { type MatchDoor, streamMatch } from './match-stream.js';

/** POST /v1/crossmatch: tables in, matched rows out, both streamed. */
export function matchRoute(app: FastifyInstance, parts: GatewayParts): void {
  const door: MatchDoor<MatchDraft> = {
    call: {
      open: (exchange) => parts.crossmatch.match(exchange),
      request: (draft, requestId) => MatchRequest.encode(matchRequest(draft, requestId)).finish(),
      // Which columns hold the positions, guessed or given.
      passedHeaders: ['armilla-left-columns', 'armilla-right-columns'],
      readSummary: (json) => MatchSummary.fromJSON(json),
    },
    tables: (request, body, given, onOptions) => tablesOf(request, body, given, parts.spool, onOptions),
  };
  app.post('/v1/crossmatch', (request, reply) => streamMatch(request, reply, parts, door));
}

/** A form's tables; or a bare body, which is the left table whatever its media type says. */
async function* tablesOf(
  request: FastifyRequest,
  body: AsyncIterable<Buffer>,
  given: GivenOptions,
  spool: Spool,
  onOptions: (draft: MatchDraft) => void,
): AsyncGenerator<UploadedTable, void, undefined> {
  const parts = formOf(request.headers, body);
  if (parts) {
    yield* orderedTables(parts, given, spool, onOptions);
    return;
  }
  const draft = readMatchDraft(given);
  if (hasRightUpload(draft)) {
    throw fail('REQUEST_INVALID', {
      field: 'right',
      detail:
        'the body is the left table, so the right one must be stored: give right=NAME, or send both as multipart/form-data',
    });
  }
  onOptions(draft);
  if (draft.leftTable !== '') {
    if (announcesBody(request.headers)) refuseLeft();
    return;
  }
  yield { table: 0, where: 'left', bytes: body };
}

import { fail } from '@armilla/base';
import { TablesRequest, TablesSummary } from '@armilla/proto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { GatewayParts } from '../http/gateway-parts.js';
import type { GivenOptions } from '../options/option.js';
import { type TablesDraft, tablesRequest } from '../options/tables-options.js';
import { announcesBody, formOf } from '../upload/form.js';
import type { UploadedTable } from '../upload/match-upload.js';
import type { Spool } from '../upload/spool.js';
import { countTables, missing, readTablesDraft, tablesInOrder } from '../upload/tables-upload.js';
import { type MatchDoor, streamMatch } from './match-stream.js';

/** A draft with the number of its tables. */
type CountedDraft = TablesDraft & { readonly count: number };

/** POST /v1/crossmatch/multi: several tables in, sent or stored, and their rows that belong together out. */
export function tablesMatchRoute(app: FastifyInstance, parts: GatewayParts): void {
  const door: MatchDoor<CountedDraft> = {
    call: {
      open: (exchange) => parts.crossmatch.matchTables(exchange),
      request: (draft, requestId) => TablesRequest.encode(tablesRequest(draft, draft.count, requestId)).finish(),
      passedHeaders: [],
      readSummary: (json) => TablesSummary.fromJSON(json),
    },
    tables: (request, body, given, onOptions) => tablesOf(request, body, given, parts.spool, onOptions),
  };
  app.post('/v1/crossmatch/multi', (request, reply) => streamMatch(request, reply, parts, door));
}

/** A form's tables; or none, where all are stored. */
async function* tablesOf(
  { headers }: FastifyRequest,
  body: AsyncIterable<Buffer>,
  given: GivenOptions,
  spool: Spool,
  onOptions: (draft: CountedDraft) => void,
): AsyncGenerator<UploadedTable, void, undefined> {
  const counted = (draft: TablesDraft, count: number): void => onOptions({ ...draft, count });
  const parts = formOf(headers, body);
  if (parts) {
    yield* tablesInOrder(parts, given, spool, counted);
    return;
  }
  const draft = readTablesDraft(given);
  if (announcesBody(headers))
    throw fail('REQUEST_INVALID', {
      field: 'content-type',
      detail: 'several tables are sent as the parts table1, table2, ... of a form (multipart/form-data)',
    });
  const count = countTables(draft);
  const unnamed = draft.tables.slice(0, count).findIndex(({ stored }) => stored === '');
  if (unnamed >= 0) throw missing(unnamed + 1);
  counted(draft, count);
}

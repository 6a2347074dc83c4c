import { fail } from '@armilla/base';
import type { CallContext, FlightMessage } from '@armilla/chassis';
import { makeFlightMessage } from '@armilla/chassis';
import { Progress } from '@armilla/proto';
import { PROVENANCE_KEY, type TableReader, withMetadata } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import { crossmatch, type MatchContext, selfMatch } from '../../match.js';
import { matchProvenance } from '../../provenance.js';
import { resultLayout } from '../../result/layout.js';
import type { MatchStream } from '../../stream.js';
import type { CrossmatchCore, MatchAnswer, MatchStart } from '../core.js';
import { protoProgress } from '../describe.js';
import { storedSchema } from '../../stored-reader.js';
import { withProgress } from '../with-progress.js';
import { FlightEncoder } from './flight-messages.js';
import type { FlightUpload } from './flight-upload.js';
import { jsonBytes } from './info.js';
import { type MatchCommand, readMatch } from './match-command.js';

/** A match of two stored tables, or of one with itself, as DoGet gives it. */
export function matchStored(
  core: CrossmatchCore,
  object: Record<string, unknown>,
  call: CallContext,
): AsyncGenerator<FlightMessage, void, undefined> {
  const command = readStored(core, object, call.requestId);
  return core.match(
    command.requestId,
    call,
    () => command,
    startStored,
    (answer) => answerMessages(answer, command.events),
  );
}

/** The schema that `matchStored` gives. */
export function storedMatchSchema(
  core: CrossmatchCore,
  object: Record<string, unknown>,
  requestId: string,
): { schema: Schema; ordered: boolean } {
  const { options, leftTable, rightTable } = readStored(core, object, requestId);
  const right = storedSchema(core.stored.get(rightTable).table);
  const left = leftTable === undefined ? right : storedSchema(core.stored.get(leftTable).table);
  return { schema: resultLayout(left, right, options).schema, ordered: options.order === 'left' };
}

/** A match of the table that the client sends with a stored one, or with itself, as DoExchange gives it. */
export function matchSent(
  core: CrossmatchCore,
  upload: FlightUpload,
  object: Record<string, unknown>,
  call: CallContext,
): AsyncGenerator<FlightMessage, void, undefined> {
  const command = readMatch(object, core.server.config.maxPairs, call.requestId);
  const { options, rightTable, leftTable, requestId, leftRowCount } = command;
  if (leftTable !== undefined)
    throw fail('OPTIONS_CONFLICT', { field: 'left', detail: 'the left table is the one that the call sends' });
  if ((rightTable === undefined) !== (options.selfMatch !== undefined))
    throw fail('OPTIONS_CONFLICT', {
      field: 'right',
      detail: 'name the stored table that is the right side, or self_match, and not both',
    });
  return core.match(
    requestId,
    call,
    () => command,
    async ({ right }, context, room) => {
      const open = (): Promise<TableReader> => upload.open('left table', { call, room, rowCount: leftRowCount });
      return right ? crossmatch(open, right, options, context) : selfMatch(await open(), options, context);
    },
    (answer) => answerMessages(answer, command.events),
  );
}

/** With `rightTable` set: the only table of a self-match, whichever side names it. */
function readStored(
  core: CrossmatchCore,
  object: Record<string, unknown>,
  requestId: string,
): MatchCommand & { readonly rightTable: string } {
  const command = readMatch(object, core.server.config.maxPairs, requestId);
  const { leftTable, rightTable, options } = command;
  if (options.selfMatch !== undefined) {
    const only = leftTable ?? rightTable;
    if (only === undefined || (leftTable !== undefined && rightTable !== undefined))
      throw fail('OPTIONS_CONFLICT', { field: 'left', detail: 'self_match takes one stored table: name it as left' });
    return { ...command, leftTable: undefined, rightTable: only };
  }
  if (leftTable === undefined || rightTable === undefined)
    throw fail('REQUEST_INVALID', {
      field: leftTable === undefined ? 'left' : 'right',
      detail: 'a match of stored tables names both, left and right; a ticket for one table is {"table": NAME}',
    });
  return { ...command, rightTable };
}

function startStored({ options, left, right }: MatchStart, context: MatchContext): Promise<MatchStream> {
  if (!right) throw new TypeError('a match of stored tables has a resident right side');
  return left ? crossmatch(left, right, options, context) : selfMatch(right, options, context);
}

/** Schema and rows; with `events` also progress and, at the end, the summary, each in a message without rows. */
async function* answerMessages(
  { stream, stored, storedLeft, progress, detailJson }: MatchAnswer,
  events: boolean,
): AsyncGenerator<FlightMessage, void, undefined> {
  const provenance = JSON.stringify(matchProvenance(stream, stored, storedLeft));
  const encoder = new FlightEncoder(withMetadata(stream.schema, { [PROVENANCE_KEY]: provenance }));
  yield encoder.schemaMessage();
  for await (const item of withProgress(stream, progress)) {
    if (!('stage' in item)) yield* encoder.encode(item);
    else if (events) yield event({ progress: Progress.toJSON(protoProgress(item)) });
  }
  const summary: unknown = JSON.parse(detailJson());
  if (events) yield event({ summary });
}

function event(value: { progress: unknown } | { summary: unknown }): FlightMessage {
  return makeFlightMessage({ metadata: jsonBytes(value) });
}

import { type CallContext, type FlightMessage, makeFlightMessage } from '@armilla/chassis';
import { fail } from '@armilla/base';
import { Progress as ProtoProgress } from '@armilla/proto';
import { PROVENANCE_KEY, withMetadata } from '@armilla/tables';
import type { Schema } from 'apache-arrow';
import { tablesSchema } from '../../nway/match-tables.js';
import { MOST_TABLES, type Multi, type TableOptions, type TablesJoin, type TablesOptions } from '../../nway/options.js';
import { tablesProvenance } from '../../nway/tables-provenance.js';
import { DEFAULT_MAX_PAIRS } from '../../options.js';
import type { Progress } from '../../summary.js';
import type { CrossmatchCore } from '../core.js';
import { protoProgress } from '../describe.js';
import { checkedRequestId } from '../request.js';
import { checkedAsk, type TablesAsk } from '../tables/request.js';
import { type AnsweredTables, matchOfTables, type SentTables, type TablesAnswer } from '../tables/match.js';
import { withProgress } from '../with-progress.js';
import { FlightEncoder } from './flight-messages.js';
import { jsonBytes } from './info.js';
import { JsonFields } from './json-fields.js';
import { radius, skyArea } from './match-command.js';
import { sideFields } from './side-fields.js';

interface TablesCommand extends TablesAsk {
  readonly requestId: string;
  /** Send progress and summary as messages of their own, without rows. */
  readonly events: boolean;
}

/** A match of several stored tables, as DoGet gives it. */
export function matchStoredTables(
  core: CrossmatchCore,
  object: Record<string, unknown>,
  call: CallContext,
): AsyncGenerator<FlightMessage, void, undefined> {
  const command = readTables(object, core.server.config.maxPairs, call.requestId);
  return matchOfTables(core, command.requestId, call, {
    read: () => command,
    send: () => NOTHING_SENT,
    answer: new TablesMessages(command.events),
  });
}

/** The schema that `matchStoredTables` gives. */
export function storedTablesSchema(core: CrossmatchCore, object: Record<string, unknown>, requestId: string): Schema {
  const { inputs, options } = readTables(object, core.server.config.maxPairs, requestId);
  const schemas = inputs.map(({ stored = '' }) => core.stored.get(stored).table.schema);
  return tablesSchema(schemas, options);
}

const NOTHING_SENT: SentTables = {
  receivedBytes: 0,
  open: () => Promise.reject(new TypeError('all tables of the match are stored')),
  finish: async () => undefined,
};

/** Reads a match by the names of the options over HTTP, beside `tables` with the names of the stored ones. */
function readTables(object: Record<string, unknown>, maxPairs: number, requestId: string): TablesCommand {
  const fields = new JsonFields(object);
  const names = fields.list('tables') ?? [];
  if (names.length > MOST_TABLES)
    throw fail('OPTION_INVALID', { field: 'tables', expected: `2 to ${MOST_TABLES} tables`, got: names.length });
  const options: TablesOptions = {
    radiusArcsec: radius(fields),
    // The texts are checked where the options are resolved.
    multi: fields.text('multi') as Multi | undefined,
    join: fields.text('join') as TablesJoin | undefined,
    tables: names.map((_, k) => tableFields(fields, `${k + 1}.`)),
    probabilities: probabilityFields(fields),
    columns: fields.list('columns'),
    strict: fields.flag('strict'),
    maxRows: fields.number('max_pairs') ?? DEFAULT_MAX_PAIRS,
  };
  const execution = { workerCount: fields.number('workers'), cellRowCount: fields.number('cell_row_count') };
  const command = {
    requestId: checkedRequestId(fields.text('request_id') ?? '', requestId),
    events: fields.flag('events') ?? false,
  };
  fields.end();
  const inputs = names.map((stored) => ({ stored, rowCount: undefined }));
  return { ...checkedAsk({ options, execution, inputs }, maxPairs), ...command };
}

function tableFields(fields: JsonFields, prefix: string): TableOptions {
  return {
    ...sideFields(fields, prefix),
    skyAreaSquareDegrees: skyArea(fields.any(`${prefix}sky_area`)),
    completeness: fields.number(`${prefix}completeness`),
    magnitudePriors: fields.list(`${prefix}magnitude_prior`),
  };
}

function probabilityFields(fields: JsonFields): TablesOptions['probabilities'] {
  const wanted = fields.flag('probabilities') ?? false;
  const completeness = fields.number('completeness');
  const acceptableRatio = fields.number('acceptable_ratio');
  if (wanted) return { completeness, acceptableRatio };
  if ((completeness ?? acceptableRatio) !== undefined)
    throw fail('OPTIONS_CONFLICT', {
      detail: 'completeness and acceptable_ratio go with probabilities: ask for those',
    });
  return undefined;
}

/** Schema and rows; with `events` also progress and, at the end, the summary, each in a message without rows. */
class TablesMessages implements TablesAnswer<FlightMessage> {
  constructor(private readonly events: boolean) {}

  /** Nothing: clients of Flight want the schema first. */
  *progress(): Generator<FlightMessage> {}

  async *rows({
    stream,
    stored,
    progress,
    detailJson,
  }: AnsweredTables): AsyncGenerator<FlightMessage, void, undefined> {
    const provenance = JSON.stringify(tablesProvenance(stream, stored));
    const encoder = new FlightEncoder(withMetadata(stream.schema, { [PROVENANCE_KEY]: provenance }));
    yield encoder.schemaMessage();
    for await (const item of withProgress(stream, progress)) {
      if (!('stage' in item)) yield* encoder.encode(item);
      else if (this.events) yield event({ progress: progressJson(item) });
    }
    const summary: unknown = JSON.parse(detailJson());
    if (this.events) yield event({ summary });
  }
}

const progressJson = (progress: Progress): unknown => ProtoProgress.toJSON(protoProgress(progress));

function event(value: { progress: unknown } | { summary: unknown }): FlightMessage {
  return makeFlightMessage({ metadata: jsonBytes(value) });
}

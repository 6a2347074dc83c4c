import { fail } from '@armilla/base';
import type { CallContext } from '@armilla/chassis';
import { ExplainResponse, type FlightAction, type FlightActionType, GetResultResponse } from '@armilla/proto';
import type { CrossmatchCore } from '../core.js';
import { explain } from '../explain.js';
import { storedTableJson } from './info.js';
import { JsonFields } from './json-fields.js';
import { readOptionsAndSizes } from './match-command.js';

interface Action {
  readonly type: string;
  /** For ListActions: what it takes and gives. */
  readonly description: string;
  readonly run: (core: CrossmatchCore, fields: JsonFields, call: CallContext) => unknown;
}

const MOST_BYTES = 2 ** 30;
const MOST_REJECTED = 2 ** 31 - 1;

const ACTIONS: readonly Action[] = [
  {
    type: 'delete-table',
    description: '{"table": NAME}: deletes a stored table; matches that run on it finish first.',
    run: async ({ stored }, fields) => {
      const name = required(fields.text('table'), 'table');
      fields.end();
      await stored.delete(name);
      return { deleted: name };
    },
  },
  {
    type: 'explain',
    description:
      '{"radius_arcsec": R, "left_row_count": N, "right_row_count": N, …}: what a match would cost, without any data.',
    run: (core, fields) => {
      const sizes = {
        leftRowBytes: fields.count('left_row_bytes', MOST_BYTES) ?? 0,
        rightRowBytes: fields.count('right_row_bytes', MOST_BYTES) ?? 0,
        areaSquareDegrees: fields.number('area_square_degrees') ?? 0,
      };
      const ask = readOptionsAndSizes(fields, core.server.config.maxPairs);
      fields.end();
      return ExplainResponse.toJSON(explain(core, ask, sizes));
    },
  },
  {
    type: 'get-result',
    description:
      '{"request_id": ID, "rejected_limit": N}: summary of a recent match, and at most N of the rows that it rejected.',
    run: ({ results }, fields, { principal }) => {
      const requestId = required(fields.text('request_id'), 'request_id');
      const limit = fields.count('rejected_limit', MOST_REJECTED) ?? 0;
      fields.end();
      return GetResultResponse.toJSON(results.get(requestId, limit, principal));
    },
  },
  {
    type: 'list-tables',
    description: '{}: the stored tables, by name.',
    run: ({ stored }, fields) => {
      fields.end();
      return { tables: stored.list().map(storedTableJson) };
    },
  },
];

export function listActions(): FlightActionType[] {
  return ACTIONS.map(({ type, description }) => ({ type, description }));
}

/** The answer of an action, for JSON. */
export async function runAction(
  core: CrossmatchCore,
  { type, body }: FlightAction,
  call: CallContext,
): Promise<unknown> {
  const action = ACTIONS.find((one) => one.type === type);
  if (!action)
    throw fail('OPTION_INVALID', {
      field: 'type',
      expected: `one of ${ACTIONS.map((one) => one.type).join(', ')}`,
      got: `'${type.slice(0, 64)}'`,
    });
  return action.run(core, new JsonFields(JsonFields.parse(body, `the body of ${type}`)), call);
}

function required(value: string | undefined, field: string): string {
  if (value === undefined) throw fail('OPTION_INVALID', { field, expected: 'given', got: 'nothing' });
  return value;
}

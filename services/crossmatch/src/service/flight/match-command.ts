import { fail, parseAngleArcsec } from '@armilla/base';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import {
  type Find,
  type Join,
  type MatchOptions,
  type Order,
  resolveExecution,
  type SelfMatch,
} from '../../options.js';
import type { ProbabilityOptions } from '../../probability/options.js';
import type { MatchAsk } from '../match-watch.js';
import { checkedRequestId, forStream } from '../request.js';
import { JsonFields, wrong } from './json-fields.js';
import { sideFields } from './side-fields.js';

/** A match as a client of Flight asks for it. */
export interface MatchCommand extends MatchAsk {
  readonly requestId: string;
  /** Send progress and summary as messages of their own, without rows. */
  readonly events: boolean;
}

const MOST_ROWS = Number.MAX_SAFE_INTEGER;

/** Reads a match by the names of the options over HTTP, beside `left` and `right` for stored tables. */
export function readMatch(object: Record<string, unknown>, maxPairs: number, requestId: string): MatchCommand {
  const fields = new JsonFields(object);
  const command = {
    leftTable: fields.text('left'),
    rightTable: fields.text('right'),
    requestId: checkedRequestId(fields.text('request_id') ?? '', requestId),
    events: fields.flag('events') ?? false,
    assess: fields.flag('assess') ?? false,
    ...readOptionsAndSizes(fields, maxPairs),
  };
  fields.end();
  return command;
}

/** What `readMatch` and the action explain have in common. */
export function readOptionsAndSizes(
  fields: JsonFields,
  maxPairs: number,
): Pick<MatchAsk, 'options' | 'execution' | 'leftRowCount' | 'rightRowCount'> {
  const wanted = matchOptions(fields);
  const execution = {
    workerCount: fields.number('workers'),
    device: fields.text('device') || undefined,
    chunkRowCount: fields.number('chunk_row_count'),
    cellRowCount: fields.number('cell_row_count'),
  };
  const sizes = {
    leftRowCount: fields.count('left_row_count', MOST_ROWS) || undefined,
    rightRowCount: fields.count('right_row_count', MOST_ROWS) || undefined,
  };
  return { options: forStream(wanted, maxPairs), execution: resolveExecution(execution), ...sizes };
}

function matchOptions(fields: JsonFields): MatchOptions {
  const suffixes = fields.list('suffixes');
  if (suffixes && suffixes.length !== 2) throw wrong('suffixes', 'two texts, left and right', suffixes);
  return {
    radiusArcsec: radius(fields),
    minRadiusArcsec: angle(fields, 'min_radius'),
    // The texts are checked where the options are resolved.
    find: fields.text('find') as Find | undefined,
    k: fields.number('k'),
    join: fields.text('join') as Join | undefined,
    order: fields.text('order') as Order | undefined,
    selfMatch: fields.text('self_match') as SelfMatch | undefined,
    left: sideFields(fields, 'left_'),
    right: sideFields(fields, 'right_'),
    maxSigma: fields.number('max_sigma'),
    area: fields.text('area'),
    where: fields.text('where'),
    probabilities: probabilityFields(fields),
    columns: fields.list('columns'),
    suffixes: suffixes && [suffixes[0], suffixes[1]],
    strict: fields.flag('strict'),
    recenter: fields.flag('recenter'),
    maxPairs: fields.number('max_pairs'),
  };
}

function probabilityFields(fields: JsonFields): ProbabilityOptions | undefined {
  const wanted = fields.flag('probabilities') ?? false;
  const area = fields.any('right_sky_area');
  const rest = {
    completeness: fields.number('completeness'),
    acceptableRatio: fields.number('acceptable_ratio'),
    magnitudePriors: fields.list('magnitude_prior'),
  };
  if (wanted) return { rightAreaSquareDegrees: skyArea(area), ...rest };
  if (area !== undefined || Object.values(rest).some((value) => value !== undefined))
    throw fail('OPTIONS_CONFLICT', { detail: 'right_sky_area and its like go with probabilities: ask for those' });
  return undefined;
}

/** Square degrees as a number or a text, or `full`; NaN for anything else that is given, which the match refuses. */
export function skyArea(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (value === 'full') return WHOLE_SKY_SQUARE_DEGREES;
  return typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;
}

/** The radius, which every match needs. Throws OPTION_INVALID. */
export function radius(fields: JsonFields): number {
  const given = angle(fields, 'radius');
  if (given === undefined)
    throw fail('OPTION_INVALID', { field: 'radius', expected: 'given (for example 1arcsec)', got: 'nothing' });
  return given;
}

/** `radius` with a unit, a bare number in arcsec, or `radius_arcsec`. */
function angle(fields: JsonFields, name: string): number | undefined {
  const bare = fields.number(`${name}_arcsec`);
  const value = fields.any(name);
  if (value === undefined) return bare;
  if (bare !== undefined)
    throw fail('OPTIONS_CONFLICT', { field: name, detail: `give '${name}' or '${name}_arcsec', not both` });
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return parseAngleArcsec(value.slice(0, 64), name);
  throw wrong(name, 'an angle such as 1arcsec or 500mas', value);
}

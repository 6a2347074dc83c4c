import { fail } from '@armilla/base';
import {
  type ExecutionOptions as ProtoExecution,
  Find as ProtoFind,
  Join as ProtoJoin,
  type MatchOptions as ProtoOptions,
  Order as ProtoOrder,
  type PositionColumns,
  type Probabilities,
  SelfMatch as ProtoSelfMatch,
} from '@armilla/proto';
import {
  DEFAULT_MAX_PAIRS,
  type ExecutionOptions,
  type Find,
  type Join,
  type MatchOptions,
  needsWholeLeft,
  type Order,
  resolveOptions,
  type ResolvedOptions,
  type SelfMatch,
  type SideOptions,
} from '../options.js';
import type { ProbabilityOptions } from '../probability/options.js';

const FIND: Readonly<Record<number, Find | undefined>> = {
  [ProtoFind.UNSPECIFIED]: undefined,
  [ProtoFind.NEAREST]: 'nearest',
  [ProtoFind.ALL]: 'all',
  [ProtoFind.K_NEAREST]: 'k-nearest',
  [ProtoFind.MUTUAL]: 'mutual',
  [ProtoFind.ONE_TO_ONE]: 'one-to-one',
};
const JOIN: Readonly<Record<number, Join | undefined>> = {
  [ProtoJoin.UNSPECIFIED]: undefined,
  [ProtoJoin.INNER]: 'inner',
  [ProtoJoin.LEFT]: 'left',
  [ProtoJoin.RIGHT]: 'right',
  [ProtoJoin.FULL]: 'full',
  [ProtoJoin.LEFT_ANTI]: 'left-anti',
  [ProtoJoin.RIGHT_ANTI]: 'right-anti',
};
const ORDER: Readonly<Record<number, Order | undefined>> = {
  [ProtoOrder.UNSPECIFIED]: undefined,
  [ProtoOrder.LEFT]: 'left',
  [ProtoOrder.ANY]: 'any',
};
const SELF: Readonly<Record<number, SelfMatch | undefined>> = {
  [ProtoSelfMatch.UNSPECIFIED]: undefined,
  [ProtoSelfMatch.PAIRS]: 'pairs',
  [ProtoSelfMatch.GROUPS]: 'groups',
};

/** The options of a request, resolved by `forStream`. */
export function readOptions(options: ProtoOptions | undefined, maxPairs: number): ResolvedOptions {
  if (!options)
    throw fail('REQUEST_INVALID', { detail: 'the request has no options; radius_arcsec at least is needed' });
  const wanted: MatchOptions = {
    radiusArcsec: options.radiusArcsec,
    minRadiusArcsec: options.minRadiusArcsec,
    find: enumName('find', FIND, options.find),
    k: options.k === 0 ? undefined : options.k,
    join: enumName('join', JOIN, options.join),
    order: enumName('order', ORDER, options.order),
    selfMatch: enumName('self_match', SELF, options.selfMatch),
    left: sideOptions(options.left),
    right: sideOptions(options.right),
    columns: options.columns,
    suffixes: [options.leftSuffix || '_1', options.rightSuffix || '_2'],
    strict: options.strict,
    maxPairs: options.maxPairs === 0n ? undefined : Number(options.maxPairs),
    maxSigma: options.maxSigma === 0 ? undefined : options.maxSigma,
    area: readArea(options.area),
    where: options.where === '' ? undefined : options.where,
    probabilities: options.probabilities && readProbabilities(options.probabilities),
    recenter: options.recenter || undefined,
  };
  return forStream(wanted, maxPairs);
}

/**
 * The options resolved as fits a stream: where the order is left open it is `any`, unless the mode has to see the whole
 * left table anyway. `maxPairs` is the server's limit.
 */
export function forStream(wanted: MatchOptions, maxPairs: number): ResolvedOptions {
  const resolved = resolveOptions(wanted);
  // The library's own default knows the memory, so that a server without a limit of its own leaves it open.
  const limit = Math.min(resolved.maxPairs ?? DEFAULT_MAX_PAIRS, maxPairs);
  return {
    ...resolved,
    order: wanted.order ?? (needsWholeLeft(resolved) ? 'left' : 'any'),
    maxPairs: limit === DEFAULT_MAX_PAIRS ? resolved.maxPairs : limit,
  };
}

function readProbabilities(given: Probabilities): ProbabilityOptions {
  return {
    rightAreaSquareDegrees: given.rightAreaSquareDegrees === 0 ? undefined : given.rightAreaSquareDegrees,
    completeness: given.completeness === 0 ? undefined : given.completeness,
    acceptableRatio: given.acceptableRatio === 0 ? undefined : given.acceptableRatio,
    magnitudePriors: given.magnitudePriors,
  };
}

/** What a call may ask to be read while others wait. */
const MAX_AREA_LENGTH = 2 ** 20;

function readArea(text: string): string | undefined {
  if (text.length > MAX_AREA_LENGTH)
    throw fail('AREA_INVALID', {
      detail: `it has ${text.length} characters, a call may have ${MAX_AREA_LENGTH}; degrade a MOC to a lower order`,
    });
  return text === '' ? undefined : text;
}

export function readExecution(execution: ProtoExecution | undefined): ExecutionOptions {
  const orUnset = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);
  return {
    workerCount: orUnset(execution?.workerCount),
    ...(execution?.device && { device: execution.device }),
    chunkRowCount: orUnset(execution?.chunkRowCount),
    cellRowCount: orUnset(execution?.cellRowCount),
  };
}

/** The names that were given; empty ones are left out. */
export function sideOptions(columns: PositionColumns | undefined): SideOptions {
  return Object.fromEntries(Object.entries(columns ?? {}).filter(([, name]) => name !== '')) as SideOptions;
}

/** A row count that a client expects; undefined for 0. Only a hint, so that nonsense is refused and no more. */
export function expectedRows(field: string, count: bigint): number | undefined {
  if (count < 0n || count > BigInt(Number.MAX_SAFE_INTEGER))
    throw fail('OPTION_INVALID', { field, expected: 'a row count, 0 where unknown', got: count });
  return count === 0n ? undefined : Number(count);
}

const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;

export function checkedRequestId(given: string, fallback: string): string {
  if (given === '') return fallback;
  if (!REQUEST_ID.test(given))
    throw fail('OPTION_INVALID', {
      field: 'request_id',
      expected: "1 to 64 of letters, digits, '_' and '-'",
      got: `'${given.slice(0, 80)}'`,
    });
  return given;
}

/** The name of an enum's number. Throws OPTION_INVALID. */
export function enumName<T>(
  field: string,
  values: Readonly<Record<number, T | undefined>>,
  got: number,
): T | undefined {
  if (!(got in values))
    throw fail('OPTION_INVALID', {
      field,
      expected: `a number that the contract names (${Object.keys(values).join(', ')})`,
      got,
    });
  return values[got];
}

import {
  ExecutionOptions,
  Find,
  Join,
  MatchOptions,
  MatchRequest,
  Order,
  PositionColumns,
  SelfMatch,
} from '@armilla/proto';
import { fail } from '@armilla/base';
import { ANSWER_FORMATS, type AnswerFormat } from '../answer/answer-format.js';
import type { OptionSchema, RequestOption } from './option.js';
import { PROBABILITY_OPTIONS, probabilitiesOf, type ProbabilityDraft } from './probability-options.js';
import { SIDE_OPTIONS, WHERE_LENGTH } from './side-options.js';
import {
  readAngleArcsec,
  readChoice,
  readDurationMs,
  readFlag,
  readInteger,
  readList,
  readPositive,
  readText,
} from './value.js';

/** What a match request says beside its tables. */
export interface MatchDraft {
  readonly options: MatchOptions & { left: PositionColumns; right: PositionColumns };
  readonly execution: ExecutionOptions;
  readonly probability: ProbabilityDraft;
  rightTable: string;
  leftTable: string;
  assess: boolean;
  leftRowCount: number;
  rightRowCount: number;
  timeoutMs: number | undefined;
  format: AnswerFormat | undefined;
}

export function emptyMatchDraft(): MatchDraft {
  return {
    options: {
      ...MatchOptions.fromPartial({}),
      left: PositionColumns.fromPartial({}),
      right: PositionColumns.fromPartial({}),
    },
    execution: ExecutionOptions.fromPartial({}),
    probability: {},
    rightTable: '',
    leftTable: '',
    assess: false,
    leftRowCount: 0,
    rightRowCount: 0,
    timeoutMs: undefined,
    format: undefined,
  };
}

/** The message that opens the call to the service. */
export function matchRequest(draft: MatchDraft, requestId: string): MatchRequest {
  return MatchRequest.fromPartial({
    options: { ...draft.options, probabilities: probabilitiesOf(draft.probability) },
    execution: draft.execution,
    rightTable: draft.rightTable,
    leftTable: draft.leftTable,
    assess: draft.assess,
    requestId,
    leftRowCount: BigInt(draft.leftRowCount),
    rightRowCount: BigInt(draft.rightRowCount),
  });
}

const FIND = {
  nearest: Find.NEAREST,
  all: Find.ALL,
  'k-nearest': Find.K_NEAREST,
  mutual: Find.MUTUAL,
  'one-to-one': Find.ONE_TO_ONE,
};
const JOIN = {
  inner: Join.INNER,
  left: Join.LEFT,
  right: Join.RIGHT,
  full: Join.FULL,
  'left-anti': Join.LEFT_ANTI,
  'right-anti': Join.RIGHT_ANTI,
};
const ORDER = { left: Order.LEFT, any: Order.ANY };
const SELF = { pairs: SelfMatch.PAIRS, groups: SelfMatch.GROUPS };

const HANDLE = /^(?!\.)[A-Za-z0-9_.-]{1,128}$/;

/** The name of a stored table, or HANDLE_INVALID. */
export function readHandle(value: unknown): string {
  if (typeof value !== 'string' || !HANDLE.test(value))
    throw fail('HANDLE_INVALID', { field: 'name', got: String(value).slice(0, 64) });
  return value;
}

/** What fits the options part of a request. */
const AREA_LENGTH = 2 ** 20;

type Row = RequestOption<MatchDraft>;

const angle = (name: string, sentence: string, zero: boolean, key: 'radiusArcsec' | 'minRadiusArcsec'): Row => ({
  name,
  sentence,
  schema: { type: 'string', examples: ['1arcsec', '500mas', '0.1deg'] },
  take: (draft, value) => setRadius(draft, key, name, readAngleArcsec(name, value, zero)),
});

const arcsec = (name: string, sentence: string, zero: boolean, key: 'radiusArcsec' | 'minRadiusArcsec'): Row => ({
  name,
  sentence,
  schema: { type: 'number', maximum: 648_000, ...(zero ? { minimum: 0 } : { exclusiveMinimum: 0 }) },
  take: (draft, value) => setRadius(draft, key, name, readAngleArcsec(name, value, zero)),
});

function setRadius(draft: MatchDraft, key: 'radiusArcsec' | 'minRadiusArcsec', name: string, value: number): void {
  const other = name.endsWith('_arcsec') ? name.slice(0, -'_arcsec'.length) : `${name}_arcsec`;
  if (draft.options[key] !== 0)
    throw fail('OPTIONS_CONFLICT', { field: name, detail: `give '${name}' or '${other}', not both` });
  draft.options[key] = value;
}

const choice = <T extends string>(
  name: string,
  sentence: string,
  choices: Readonly<Record<T, number>>,
  set: (draft: MatchDraft, value: number) => void,
): Row => {
  const names = Object.keys(choices) as T[];
  return {
    name,
    sentence,
    schema: { type: 'string', enum: names },
    take: (draft, value) => set(draft, choices[readChoice(name, value, names)]),
  };
};

const text = (
  name: string,
  sentence: string,
  maxLength: number | undefined,
  set: (draft: MatchDraft, value: string) => void,
): Row => ({
  name,
  sentence,
  schema: { type: 'string', maxLength: maxLength ?? 1024 },
  take: (draft, value) => set(draft, readText(name, value, maxLength)),
});

const integer = (
  name: string,
  sentence: string,
  minimum: number,
  maximum: number,
  set: (draft: MatchDraft, value: number) => void,
): Row => ({
  name,
  sentence,
  schema: { type: 'integer', minimum, maximum } satisfies OptionSchema,
  take: (draft, value) => set(draft, readInteger(name, value, minimum, maximum)),
});

/** Options that change the answer. */
export const MATCH_OPTIONS: readonly Row[] = [
  angle(
    'radius',
    'Largest separation of a pair, inclusive: 1arcsec, 500mas, 0.1deg; a bare number is in arcsec. Required, here or as radius_arcsec.',
    false,
    'radiusArcsec',
  ),
  arcsec('radius_arcsec', 'Largest separation of a pair, inclusive, in arcsec.', false, 'radiusArcsec'),
  angle('min_radius', 'Smallest separation of a pair, inclusive.', true, 'minRadiusArcsec'),
  arcsec('min_radius_arcsec', 'Smallest separation of a pair, inclusive, in arcsec.', true, 'minRadiusArcsec'),
  choice('find', 'Which pairs to find. Default nearest.', FIND, (draft, value) => (draft.options.find = value)),
  integer(
    'k',
    'How many right rows of each left row, for find=k-nearest. Default 2.',
    1,
    1000,
    (draft, value) => (draft.options.k = value),
  ),
  choice('join', 'Which rows the answer keeps. Default inner.', JOIN, (draft, value) => (draft.options.join = value)),
  choice(
    'order',
    'left: by left row, byte-identical each time; any: as they are found, with left_row and right_row. Default any.',
    ORDER,
    (draft, value) => (draft.options.order = value),
  ),
  choice(
    'self_match',
    'Match the left table with itself: pairs, or friends-of-friends groups.',
    SELF,
    (draft, value) => (draft.options.selfMatch = value),
  ),
  ...SIDE_OPTIONS.flatMap(({ name, sentence, key, maxLength }) =>
    (['left', 'right'] as const).map((side) =>
      text(`${side}_${name}`, `Of the ${side} table: ${sentence}`, maxLength, (draft, value) => {
        draft.options[side][key] = value;
      }),
    ),
  ),
  {
    name: 'columns',
    sentence:
      'Columns of the answer, in order: left.NAME, right.NAME, a name that only one table has, or a computed one. Default: all of both tables and separation_arcsec.',
    schema: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 10_000 },
    take: (draft, value) => (draft.options.columns = readList('columns', value, 10_000)),
  },
  {
    name: 'suffixes',
    sentence: 'Appended to the column names that both tables have: left, right. Default _1,_2.',
    schema: { type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 2 },
    take: (draft, value) => {
      const list = readList('suffixes', value, 2);
      if (list.length !== 2)
        throw fail('OPTION_INVALID', {
          field: 'suffixes',
          expected: 'two texts, left and right',
          got: `'${list.join(',')}'`,
        });
      [draft.options.leftSuffix, draft.options.rightSuffix] = list;
    },
  },
  {
    name: 'strict',
    sentence: 'A bad row is an error instead of a rejected row.',
    schema: { type: 'boolean' },
    take: (draft, value) => (draft.options.strict = readFlag('strict', value)),
  },
  {
    name: 'recenter',
    sentence:
      'Measure the rotation between the tables first and turn the left positions by it; the left table has to be a stored one.',
    schema: { type: 'boolean' },
    take: (draft, value) => (draft.options.recenter = readFlag('recenter', value)),
  },
  integer(
    'max_pairs',
    'A match estimated to give more pairs is refused before it starts.',
    1,
    Number.MAX_SAFE_INTEGER,
    (draft, value) => (draft.options.maxPairs = BigInt(value)),
  ),
  {
    name: 'max_sigma',
    sentence:
      'Largest separation of a pair in units of its combined error, inclusive; needs errors of a side. Default: any.',
    schema: { type: 'number', exclusiveMinimum: 0 },
    take: (draft, value) => (draft.options.maxSigma = readPositive('max_sigma', value)),
  },
  text(
    'area',
    'Only left rows in it take part: cone(RA, DEC, RADIUS), box(RA, DEC, RA, DEC), polygon(RA DEC, ...), healpix(ORDER; PIXEL, ...), moc(ASCII or JSON). Degrees, ICRS.',
    AREA_LENGTH,
    (draft, value) => (draft.options.area = value),
  ),
  text(
    'where',
    'Condition on both rows of a pair, such as abs(left.mag - right.mag) < 1: which pairs there are to find.',
    WHERE_LENGTH,
    (draft, value) => (draft.options.where = value),
  ),
  ...PROBABILITY_OPTIONS.map(({ name, sentence, schema, take }): Row => ({
    name,
    sentence,
    schema,
    take: ({ probability }, value) => take(probability, value),
  })),
];

/** Options that only change the speed: any value gives the same rows. */
export const EXECUTION_OPTIONS: readonly Row[] = [
  integer(
    'workers',
    'Worker threads at most. Default: all that the server has.',
    1,
    256,
    (draft, value) => (draft.execution.workerCount = value),
  ),
  text(
    'device',
    'Device that the search for pairs runs on, or a kind of device, such as webgpu:0 or wasm (docs/router.md). Default: the choice of the router.',
    65,
    (draft, value) => (draft.execution.device = value),
  ),
  integer(
    'chunk_row_count',
    'Left rows per chunk. Default: chosen from the sizes.',
    1024,
    16_777_216,
    (draft, value) => (draft.execution.chunkRowCount = value),
  ),
  integer(
    'cell_row_count',
    'Rows of a cell. Default: a 256th of the right table, within [1000, 8000].',
    64,
    1_048_576,
    (draft, value) => (draft.execution.cellRowCount = value),
  ),
  integer(
    'left_row_count',
    'Rows of the left table, where they are known beforehand: for progress and plan.',
    0,
    Number.MAX_SAFE_INTEGER,
    (draft, value) => (draft.leftRowCount = value),
  ),
  integer(
    'right_row_count',
    'Rows of the right table, where they are known beforehand.',
    0,
    Number.MAX_SAFE_INTEGER,
    (draft, value) => (draft.rightRowCount = value),
  ),
];

/** Options of the HTTP request itself. */
export const REQUEST_OPTIONS: readonly Row[] = [
  {
    name: 'right',
    sentence: 'Name of a stored table that is the right side; then no right part is sent.',
    schema: { type: 'string', pattern: HANDLE.source },
    take: (draft, value) => (draft.rightTable = readHandle(value)),
  },
  {
    name: 'left',
    sentence: 'Name of a stored table that is the left side; right names one too then, and the request has no body.',
    schema: { type: 'string', pattern: HANDLE.source },
    take: (draft, value) => (draft.leftTable = readHandle(value)),
  },
  {
    name: 'assess',
    sentence:
      'Measure whether the match can be trusted: the summary of the result says so (trust). The rows are the same.',
    schema: { type: 'boolean' },
    take: (draft, value) => (draft.assess = readFlag('assess', value)),
  },
  {
    name: 'format',
    sentence: 'Format of the answer, instead of the Accept header.',
    schema: { type: 'string', enum: Object.keys(ANSWER_FORMATS) },
    take: (draft, value) => (draft.format = readChoice('format', value, Object.keys(ANSWER_FORMATS) as AnswerFormat[])),
  },
  {
    name: 'timeout',
    sentence:
      'Time for the whole request: 30s, 500ms, 2m; a bare number is in seconds. Also as the header armilla-timeout.',
    schema: { type: 'string', examples: ['30s'] },
    take: (draft, value) => (draft.timeoutMs = readDurationMs('timeout', value)),
  },
];

/** Everything that POST /v1/crossmatch takes. */
export const CROSSMATCH_OPTIONS: readonly Row[] = [...MATCH_OPTIONS, ...EXECUTION_OPTIONS, ...REQUEST_OPTIONS];

import { fail, parseDecDegrees, parseRaDegrees } from '@armilla/base';
import { ConeSearchRequest, PositionColumns } from '@armilla/proto';
import { ANSWER_FORMATS, type AnswerFormat, namedFormat } from '../answer/answer-format.js';
import { readHandle } from './match-options.js';
import { type GivenOptions, type RequestOption } from './option.js';
import { SIDE_OPTIONS } from './side-options.js';
import { readAngleArcsec, readDurationMs, readInteger, readList, readNumber, readText } from './value.js';

/** What a cone search asks for. */
export interface ConeDraft {
  table: string | undefined;
  raDegrees: number | undefined;
  decDegrees: number | undefined;
  radiusArcsec: number | undefined;
  columns: string[];
  rowLimit: number | undefined;
  atEpoch: string;
  readonly position: PositionColumns;
  format: AnswerFormat | undefined;
  timeoutMs: number | undefined;
}

type Row = RequestOption<ConeDraft>;

const limit = (name: string, sentence: string): Row => ({
  name,
  sentence,
  schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  take: (draft, value) => (draft.rowLimit = readInteger(name, value, 0, Number.MAX_SAFE_INTEGER)),
});

const format = (name: string, sentence: string): Row => ({
  name,
  sentence,
  schema: { type: 'string', examples: Object.keys(ANSWER_FORMATS) },
  take: (draft, value) => (draft.format = namedFormat(readText(name, value, 200))),
});

/** Everything that /v1/crossmatch/cone takes; names in any case, as the Simple Cone Search has them. */
export const CONE_OPTIONS: readonly Row[] = [
  {
    name: 'table',
    sentence: 'Name of the stored table; required.',
    schema: { type: 'string' },
    take: (draft, value) => (draft.table = readHandle(value)),
  },
  {
    name: 'ra',
    sentence: 'Right ascension of the centre in degrees (ICRS), or sexagesimal in hours; required.',
    schema: { type: 'string', examples: ['10.6847', '00:42:44.3'] },
    take: (draft, value) => (draft.raDegrees = parseRaDegrees(readText('ra', value, 64), 'ra')),
  },
  {
    name: 'dec',
    sentence: 'Declination of the centre in degrees, or sexagesimal; required.',
    schema: { type: 'string', examples: ['41.269', '+41:16:09'] },
    take: (draft, value) => (draft.decDegrees = parseDecDegrees(readText('dec', value, 64), 'dec')),
  },
  {
    name: 'radius',
    sentence:
      'Largest separation, inclusive: 5arcmin, 30arcsec, 0.5deg; a bare number is in arcsec. This or sr is required.',
    schema: { type: 'string', examples: ['5arcmin'] },
    take: (draft, value) => (draft.radiusArcsec = readAngleArcsec('radius', value)),
  },
  {
    name: 'sr',
    sentence: 'Instead of radius, in degrees (Simple Cone Search); 0 gives the columns without rows.',
    schema: { type: 'number', minimum: 0, maximum: 180 },
    take: (draft, value) => {
      const degrees = readNumber('sr', value);
      if (!(degrees >= 0 && degrees <= 180))
        throw fail('RADIUS_OUT_OF_RANGE', { field: 'sr', got: `${degrees} degrees` });
      draft.radiusArcsec = degrees === 0 ? LEAST_RADIUS_ARCSEC : degrees * 3600;
      if (degrees === 0) draft.rowLimit = 0;
    },
  },
  {
    name: 'columns',
    sentence:
      'Columns of the answer, in order: NAME, table.NAME, table.*, separation_arcsec, table_row. Default: all, and separation_arcsec.',
    schema: { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: 10_000 },
    take: (draft, value) => (draft.columns = readList('columns', value, 10_000)),
  },
  limit('limit', 'Rows at most, the nearest ones; an answer that is cut says armilla-overflow: true. Default: all.'),
  limit('maxrec', 'The same (Simple Cone Search).'),
  {
    name: 'at_epoch',
    sentence:
      'Compare the rows where they stand at this epoch, such as J2026.5; needs the epoch and motions of the table.',
    schema: { type: 'string', examples: ['J2026.5'] },
    take: (draft, value) => (draft.atEpoch = readText('at_epoch', value, 64)),
  },
  ...SIDE_OPTIONS.filter(({ inCone }) => inCone === 'any').map(({ name, sentence, key, maxLength = 1024 }): Row => ({
    name,
    sentence: `${sentence[0].toUpperCase()}${sentence.slice(1)}`,
    schema: { type: 'string', maxLength },
    take: (draft, value) => {
      draft.position[key] = readText(name, value, maxLength);
    },
  })),
  format('format', 'Format of the answer, instead of the Accept header.'),
  format('responseformat', 'The same, also as a media type (Simple Cone Search).'),
  {
    name: 'verb',
    sentence: 'Taken and without effect (Simple Cone Search): say which columns are wanted by columns.',
    schema: { type: 'integer', minimum: 1, maximum: 3 },
    take: (_, value) => void readInteger('verb', value, 1, 3),
  },
  {
    name: 'timeout',
    sentence: 'Time for the whole request: 30s, 2m; a bare number is in seconds.',
    schema: { type: 'string', examples: ['30s'] },
    take: (draft, value) => (draft.timeoutMs = readDurationMs('timeout', value)),
  },
];

/** Any radius will do where no rows are wanted. */
const LEAST_RADIUS_ARCSEC = 1;
const SAME = [
  ['radius', 'sr'],
  ['limit', 'maxrec'],
  ['format', 'responseformat'],
] as const;

/** Reads what was given; of two names for one thing only one may be. */
export function readCone(given: GivenOptions): ConeDraft {
  const draft: ConeDraft = {
    table: undefined,
    raDegrees: undefined,
    decDegrees: undefined,
    radiusArcsec: undefined,
    columns: [],
    rowLimit: undefined,
    atEpoch: '',
    position: PositionColumns.fromPartial({}),
    format: undefined,
    timeoutMs: undefined,
  };
  given.read(CONE_OPTIONS, draft);
  for (const [one, other] of SAME)
    if (given.has(one) && given.has(other))
      throw fail('OPTIONS_CONFLICT', { field: other, detail: `${one} and ${other} say the same: give one of them` });
  return draft;
}

/** The message to the service. Throws OPTION_INVALID for what is missing. */
export function coneRequest(draft: ConeDraft, requestId: string): ConeSearchRequest {
  const { table, raDegrees, decDegrees, radiusArcsec, columns, rowLimit, atEpoch, position } = draft;
  const needed = <T>(field: string, example: string, value: T | undefined): T => {
    if (value === undefined)
      throw fail('OPTION_INVALID', { field, expected: `given (for example ${example})`, got: 'nothing' });
    return value;
  };
  return {
    table: needed('table', 'gaia_dr3; /v1/crossmatch/tables lists the stored ones', table),
    raDegrees: needed('ra', '10.6847', raDegrees),
    decDegrees: needed('dec', '41.269', decDegrees),
    radiusArcsec: needed('radius', '5arcmin, or sr in degrees', radiusArcsec),
    columns,
    rowLimit: rowLimit === undefined ? undefined : BigInt(rowLimit),
    atEpoch,
    position,
    requestId,
  };
}

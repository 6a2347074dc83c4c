import { fail } from '@armilla/base';
import type { Probabilities } from '@armilla/proto';
import type { OptionSchema, RequestOption } from './option.js';
import { readFlag, readNumber, readText } from './value.js';

/** What a request says of probabilities. */
export interface ProbabilityDraft {
  wanted?: boolean;
  rightAreaSquareDegrees?: number;
  completeness?: number;
  acceptableRatio?: number;
  magnitudePriors?: string[];
}

const WHOLE_SKY_SQUARE_DEGREES = 41_253;
/** Characters of a histogram at most. */
const HISTOGRAM_LENGTH = 2 ** 16;
const MOST_PRIORS = 16;

/** A number in (0, most]. */
export function readShare(name: string, value: unknown, most: number): number {
  const number = readNumber(name, value);
  if (number > 0 && number <= most) return number;
  throw fail('OPTION_INVALID', { field: name, expected: `in (0, ${most}]`, got: number });
}

/** Square degrees, or `full`. */
export const readSkyArea = (name: string, value: unknown): number =>
  value === 'full' ? WHOLE_SKY_SQUARE_DEGREES : readShare(name, value, WHOLE_SKY_SQUARE_DEGREES);

/** One `COLUMN=HISTOGRAM`, or a JSON array of them. */
export function readMagnitudePriors(name: string, value: unknown): string[] {
  const list = listOf(name, value);
  if (list.length === 0 || list.length > MOST_PRIORS)
    throw fail('OPTION_INVALID', {
      field: name,
      expected: `1 to ${MOST_PRIORS} of COLUMN=HISTOGRAM`,
      got: list.length,
    });
  return list.map((one) => readText(name, one, HISTOGRAM_LENGTH));
}

export const MAGNITUDE_PRIORS_SCHEMA: OptionSchema = {
  type: 'array',
  items: { type: 'string' },
  minItems: 1,
  maxItems: MOST_PRIORS,
};

/** Options of probabilities in the sense of Budavari & Szalay, by the names of NWAY where it has them. */
export const PROBABILITY_OPTIONS: readonly RequestOption<ProbabilityDraft>[] = [
  {
    name: 'probabilities',
    sentence:
      'Tell of all pairs within the radius how probable they are: dist_bayesfactor, dist_post, p_single, p_any, p_i, match_flag. Needs errors of both tables and right_sky_area.',
    schema: { type: 'boolean' },
    take: (draft, value) => (draft.wanted = readFlag('probabilities', value)),
  },
  {
    name: 'right_sky_area',
    sentence: 'Square degrees that the right table covers, or full.',
    schema: { type: 'string', examples: ['2.5', 'full'] },
    take: (draft, value) => (draft.rightAreaSquareDegrees = readSkyArea('right_sky_area', value)),
  },
  {
    name: 'completeness',
    sentence: 'Share of the left rows that have their counterpart in the right table. Default 1.',
    schema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    take: (draft, value) => (draft.completeness = readShare('completeness', value, 1)),
  },
  {
    name: 'acceptable_ratio',
    sentence: "Candidates with more than this share of the best one's p_i have match_flag 2. Default 0.5.",
    schema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    take: (draft, value) => (draft.acceptableRatio = readShare('acceptable_ratio', value, 1)),
  },
  {
    name: 'magnitude_prior',
    sentence:
      'Magnitude of the right table that speaks for or against a candidate: COLUMN=HISTOGRAM, bins of four numbers (from, to, share of the counterparts, share of the field) between semicolons. Several as a JSON array.',
    schema: MAGNITUDE_PRIORS_SCHEMA,
    take: (draft, value) => (draft.magnitudePriors = readMagnitudePriors('magnitude_prior', value)),
  },
];

/** A JSON array, also as text, or one of its items. */
function listOf(name: string, value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string' || !value.startsWith('[')) return [value];
  try {
    return JSON.parse(value) as unknown[];
  } catch (error) {
    throw fail(
      'OPTION_INVALID',
      { field: name, expected: 'a JSON array of texts', got: `'${value.slice(0, 64)}'` },
      { cause: error },
    );
  }
}

/** What the service is told; undefined where no probabilities are wanted. Throws OPTIONS_CONFLICT or OPTION_INVALID. */
export function probabilitiesOf(draft: ProbabilityDraft): Probabilities | undefined {
  const { wanted, ...rest } = draft;
  if (!wanted) {
    if (Object.keys(rest).length > 0)
      throw fail('OPTIONS_CONFLICT', { detail: 'right_sky_area and its like go with probabilities: ask for those' });
    return undefined;
  }
  const { rightAreaSquareDegrees = 0, completeness = 0, acceptableRatio = 0, magnitudePriors = [] } = rest;
  return { rightAreaSquareDegrees, completeness, acceptableRatio, magnitudePriors };
}

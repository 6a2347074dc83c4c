import { fail } from '@armilla/base';
import { MagnitudeHistogram, WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';

/** What the probability of a pair depends on besides its rows. */
export interface ProbabilityOptions {
  /** Solid angle that the right table covers: (0, 41253]; what chance matches are to be expected depends on it. Refused where it is undefined. */
  readonly rightAreaSquareDegrees: number | undefined;
  /** Share of the left rows that have their counterpart in the right table: (0, 1]. Default 1. */
  readonly completeness?: number;
  /** Candidates above this share of the best one's p_i have match_flag 2: (0, 1]. Default 0.5. */
  readonly acceptableRatio?: number;
  /**
   * Magnitudes of the right table that speak for or against a candidate, as `COLUMN=HISTOGRAM`: lines, or parts between
   * semicolons, of four numbers (from, to, share of the counterparts, share of the field); or `COLUMN=auto`: measured on
   * the secure pairs of this match, for which the left table is read twice.
   */
  readonly magnitudePriors?: readonly string[];
  /** Pairs above this dist_post are the secure ones of `auto`: (0, 1). Default 0.9. */
  readonly securePosterior?: number;
}

/** A magnitude of the right table, and how it weighs; undefined: still to be measured. */
export interface MagnitudePrior {
  readonly column: string;
  readonly histogram: MagnitudeHistogram | undefined;
}

/** ProbabilityOptions, checked, with every default filled in. */
export interface ResolvedProbabilities extends ProbabilityOptions {
  readonly rightAreaSquareDegrees: number;
  readonly completeness: number;
  readonly acceptableRatio: number;
  readonly securePosterior: number;
  readonly priors: readonly MagnitudePrior[];
}

const MOST_PRIORS = 16;

/** Throws OPTION_INVALID, OPTIONS_CONFLICT or HISTOGRAM_INVALID. */
export function resolveProbabilities(options: ProbabilityOptions): ResolvedProbabilities {
  const { rightAreaSquareDegrees: area, completeness = 1, acceptableRatio = 0.5, securePosterior = 0.9 } = options;
  const refuse = (field: string, expected: string, got: number | string): never => {
    throw fail('OPTION_INVALID', { field, expected, got: String(got) });
  };
  // 41253 is what people call the whole sky.
  if (area === undefined || !(area > 0 && area <= 41_253))
    return refuse(
      'right_sky_area',
      'the square degrees that the right table covers, in (0, 41253], or full',
      area ?? 'nothing',
    );
  if (!(completeness > 0 && completeness <= 1)) refuse('completeness', 'in (0, 1]', completeness);
  if (!(acceptableRatio > 0 && acceptableRatio <= 1)) refuse('acceptable_ratio', 'in (0, 1]', acceptableRatio);
  if (!(securePosterior > 0 && securePosterior < 1)) refuse('secure_posterior', 'in (0, 1)', securePosterior);
  const priors = readMagnitudePriors(options.magnitudePriors, '');
  return {
    ...options,
    rightAreaSquareDegrees: Math.min(area, WHOLE_SKY_SQUARE_DEGREES),
    completeness,
    acceptableRatio,
    securePosterior,
    priors,
  };
}

/** `prefix` names the table in messages. Throws OPTION_INVALID, OPTIONS_CONFLICT or HISTOGRAM_INVALID. */
export function readMagnitudePriors(texts: readonly string[] = [], prefix: string): MagnitudePrior[] {
  const field = `${prefix}magnitude_prior`;
  if (texts.length > MOST_PRIORS)
    throw fail('OPTION_INVALID', { field, expected: `given at most ${MOST_PRIORS} times`, got: texts.length });
  const priors = texts.map((text) => magnitudePrior(text, field));
  for (const [i, { column }] of priors.entries())
    if (priors.findIndex((other) => other.column === column) < i)
      throw fail('OPTIONS_CONFLICT', { detail: `${field}: column '${column}' is given twice` });
  return priors;
}

function magnitudePrior(text: string, field: string): MagnitudePrior {
  const at = text.indexOf('=');
  const column = text.slice(0, at);
  const what = text.slice(at + 1).trim();
  if (at < 1 || what === '')
    throw fail('OPTION_INVALID', {
      field,
      expected: 'COLUMN=auto, or COLUMN=HISTOGRAM with bins such as 14 16 0.2 0.01; 16 18 0.3 0.1',
      got: `'${text.slice(0, 80)}'`,
    });
  return {
    column,
    histogram: what === 'auto' ? undefined : MagnitudeHistogram.parse(what, `${field} of '${column}'`),
  };
}

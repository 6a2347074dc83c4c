import { fail } from '@armilla/base';
import {
  measureAlignment,
  mutualOffsets,
  type PairOffsets,
  type Rotation,
  type SystematicOffset,
} from './alignment.js';
import { type Controls, countRings, type Estimate, localChance, type Ring, shiftedChance } from './chance.js';
import { advisedRadius, curvePoints, type CurvePoint, type MatchCurve, matchCurve, pointOfMatch } from './curve.js';
import { commonFootprint, type Footprint } from './footprint.js';
import type { SampledRows } from './left-sample.js';
import type { Neighbours } from './neighbours.js';
import { fitRayleigh, type RayleighFit } from './rayleigh.js';

/** Numbers that tell whether to trust a match. Counts are of the whole left table, estimated from the sample. */
export interface Trust {
  readonly sampleRowCount: number;
  readonly usableRowCount: number;
  /** Left rows whose nearest right row is within the radius. */
  readonly matched: Estimate;
  /** Left rows with an unrelated right row within the radius, from the density around them. */
  readonly chanceLocal: Estimate;
  /** The same from left rows that were moved to where they do not belong. */
  readonly chanceShifted: Controls;
  readonly ring: Ring;
  /** At the radius of the match. */
  readonly completeness: number;
  readonly completenessStandardError: number;
  readonly purity: number;
  readonly purityStandardError: number;
  /** Undefined where hardly any row has a counterpart. */
  readonly advisedRadiusArcsec: number | undefined;
  readonly curve: readonly CurvePoint[];
  readonly rayleigh: RayleighFit | undefined;
  readonly footprint: Footprint;
  /** Undefined where there are too few pairs. */
  readonly offset: SystematicOffset | undefined;
  readonly rotation: Rotation | undefined;
  readonly notes: readonly string[];
}

/** What the numbers were made from, row by row of the sample, for pictures. */
export interface Evidence {
  readonly sample: SampledRows;
  /** Separation of each row to its nearest right row; NaN where that is beyond twice the radius. */
  readonly nearestArcsec: Float64Array; // [rows]
  readonly offsets: PairOffsets;
  readonly curve: MatchCurve;
}

export interface Assessment {
  readonly trust: Trust;
  readonly evidence: Evidence;
}

export interface AssessedMatch {
  readonly sample: SampledRows;
  /** Usable rows of the left table. */
  readonly usableRowCount: number;
  readonly around: Neighbours;
  readonly radiusArcsec: number;
  readonly minRadiusArcsec: number;
  /** What else the reader should know. */
  readonly notes: readonly string[];
  readonly signal?: AbortSignal;
}

/** Beyond it everything has a chance neighbour, and rings would be of other parts of the sky. */
export const MOST_ASSESSED_RADIUS_ARCSEC = 3600;

/** Throws OPTIONS_CONFLICT for a radius that counting says nothing about. */
export function checkAssessable(radiusArcsec: number): void {
  if (radiusArcsec <= MOST_ASSESSED_RADIUS_ARCSEC) return;
  throw fail('OPTIONS_CONFLICT', {
    detail: `chance matches are estimated for radii of up to ${MOST_ASSESSED_RADIUS_ARCSEC} arcsec, not ${radiusArcsec}`,
  });
}

/** The formulas are in docs/operations/crossmatch.md. */
export async function assess(match: AssessedMatch): Promise<Assessment> {
  const { sample, usableRowCount, around, radiusArcsec, minRadiusArcsec, signal } = match;
  const rowCount = sample.ra.length;
  const mostArcsec = 2 * radiusArcsec;
  const query = { radiusArcsec: mostArcsec, minRadiusArcsec, find: 'nearest', k: 1, order: 'left' } as const;
  const nearest = around.nearest(sample, query);
  const matched = nearest.then(({ separationArcsec }) => countWithin(separationArcsec, radiusArcsec));
  // Whoever waits for it tells of its failure.
  matched.catch(() => undefined);
  const counted = countRings(around, sample, radiusArcsec);
  const [near, rings, chanceShifted, footprint] = await Promise.all([
    nearest,
    counted,
    counted.then(({ ring }) => shiftedChance(around, sample, ring, minRadiusArcsec, radiusArcsec, usableRowCount)),
    commonFootprint(around, sample, radiusArcsec, matched),
  ]);
  signal?.throwIfAborted();
  const chanceLocal = localChance(rings, minRadiusArcsec, radiusArcsec, usableRowCount);
  const curve = matchCurve(near.separationArcsec, rowCount, rings, minRadiusArcsec, radiusArcsec);
  const matchedCount = await matched;
  const here = pointOfMatch(curve);
  const scale = usableRowCount / Math.max(rowCount, 1);
  const chanceError = chanceLocal.standardError / Math.max(usableRowCount, 1);
  const binomial = Math.sqrt((here.matchedShare * (1 - here.matchedShare)) / Math.max(rowCount, 1));
  const allShare = curve.counterpart[curve.counterpart.length - 1];
  const offsets = mutualOffsets(near, sample, near.positions);
  const alignment = measureAlignment(offsets, sample, near.positions, mostArcsec);
  const nearestArcsec = new Float64Array(rowCount).fill(NaN);
  for (let p = 0; p < near.pairCount; p++) nearestArcsec[near.left[p]] = near.separationArcsec[p];
  const trust: Trust = {
    sampleRowCount: rowCount,
    usableRowCount,
    matched: { count: matchedCount * scale, standardError: samplingError(matchedCount, rowCount, usableRowCount) },
    chanceLocal,
    chanceShifted,
    ring: rings.ring,
    completeness: here.completeness,
    completenessStandardError: allShare > 0 ? Math.min(1, Math.hypot(binomial, chanceError) / allShare) : 0,
    purity: here.purity,
    purityStandardError:
      matchedCount > 0
        ? Math.min(
            1,
            Math.hypot(Math.sqrt((here.purity * (1 - here.purity)) / matchedCount), chanceError / here.matchedShare),
          )
        : 0,
    advisedRadiusArcsec: advisedRadius(curve, rowCount, Math.hypot(binomial, chanceError)),
    curve: curvePoints(curve),
    rayleigh: fitRayleigh(curve, rowCount),
    footprint,
    offset: alignment?.offset,
    rotation: alignment?.rotation,
    notes: match.notes,
  };
  return {
    trust: { ...trust, notes: [...match.notes, ...notesOf(trust, radiusArcsec)] },
    evidence: { sample, nearestArcsec, offsets, curve },
  };
}

function countWithin(separationArcsec: Float64Array, radiusArcsec: number): number {
  return separationArcsec.reduce((count, one) => count + (one <= radiusArcsec ? 1 : 0), 0);
}

function samplingError(matchedCount: number, rowCount: number, usableRowCount: number): number {
  if (rowCount === 0) return 0;
  const share = matchedCount / rowCount;
  return usableRowCount * Math.sqrt(((share * (1 - share)) / rowCount) * Math.max(0, 1 - rowCount / usableRowCount));
}

/** What stands out in the numbers. */
function notesOf(trust: Trust, radiusArcsec: number): string[] {
  const notes: string[] = [];
  const { chanceLocal, chanceShifted, advisedRadiusArcsec, offset, rayleigh, curve } = trust;
  if (trust.sampleRowCount === 0) return ['no usable left row: there is nothing to say'];
  if (curve[curve.length - 1].matchedShare === 0)
    return [`no left row has a right row within twice the radius, ${2 * radiusArcsec} arcsec`];
  const difference = Math.abs(chanceLocal.count - chanceShifted.count);
  // What counting so many chance matches in all controls would scatter by.
  const scale = trust.usableRowCount / trust.sampleRowCount;
  const counting = Math.sqrt((scale * chanceLocal.count) / chanceShifted.controlCount);
  const error = Math.hypot(chanceLocal.standardError, chanceShifted.standardError, counting);
  if (difference > 3 * error + 0.1 * chanceLocal.count)
    notes.push('the two estimates of chance matches disagree: the right table is uneven on the scale of the ring');
  if (advisedRadiusArcsec === undefined) notes.push('hardly more rows are matched than by chance');
  else if (advisedRadiusArcsec > 1.9 * radiusArcsec)
    notes.push('counterparts seem to lie beyond twice the radius: try a larger one');
  if (offset) {
    const size = Math.hypot(offset.raCosdecArcsec, offset.decArcsec);
    const error = Math.hypot(offset.raCosdecStandardErrorArcsec, offset.decStandardErrorArcsec);
    if (size > 5 * error && size > 0.1 * radiusArcsec)
      notes.push(`the tables are shifted against each other by ${size.toPrecision(3)} arcsec`);
  }
  if (rayleigh && rayleigh.distance > 0.05 && rayleigh.distance > 2 * rayleigh.distanceLimit)
    notes.push('separations do not follow one Rayleigh law: errors differ from row to row, or there is a shift');
  return notes;
}

import { hasMotion, type Positions, positionStatuses, RowStatus } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import type { Astrometry } from '../astrometry/astrometry.js';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import type { PositionColumns } from '../columns.js';
import type { MatchContext } from '../match.js';
import type { SkyRows } from '../positions.js';
import { comparesEpochs, moved, type MovingSide, movingSide, moves, movesWithin, yearRange } from '../refine/epochs.js';
import { reachOf } from './buckets.js';
import { type GroupTask, rowsOfGroup, scanTable } from './stored-scan.js';

/** By what the rows of one table are sorted into buckets. */
export interface SortedSide {
  /** Rows are sorted by where they stand in this year; undefined: by their positions as they are. */
  readonly year: number | undefined;
  /** The years until which moving rows have a reach of their own; undefined where that of all is enough. */
  readonly until: readonly [number, number] | undefined;
  /** How far from where it is sorted a row without motion may lie from its partner in declination; the same with motion, besides its own. */
  readonly restingArcsec: number;
  readonly movingArcsec: number;
}

/** How the rows of both tables are sorted so that all partners of a left row are in its bucket. */
export interface PairReach {
  readonly left: SortedSide;
  readonly right: SortedSide;
  /** The farthest that partners may lie from each other, by what they are sorted by. */
  readonly mostDeg: number;
  /** Rows move until they are compared: some may reach far, and no part of the sky is known to be without partners. */
  readonly moves: boolean;
}

/** Where the rows of a side are sorted, and how far in declination the partners of each may be. */
export interface SortedRows {
  readonly decDeg: Float64Array; // [rows]
  readonly reachDeg: number | Float64Array; // [rows]
}

/** What a scan of the rows of one table tells. */
interface MotionScan {
  readonly years: readonly [number, number];
  readonly mostArcsec: number;
}

type Sides = Record<'left' | 'right', { readonly reader: TableReader; readonly columns: PositionColumns }>;

/** The reach of pairs that are compared as they stand in the tables. */
export function restingReach(radiusArcsec: number): PairReach {
  const side = { year: undefined, until: undefined, restingArcsec: radiusArcsec, movingArcsec: radiusArcsec };
  return { left: side, right: side, mostDeg: reachOf(radiusArcsec), moves: false };
}

/**
 * The reach of pairs whose rows move: as in `CandidateFinder`, right rows are taken to the one year of the left ones, or
 * left rows to that of right ones without motion; what a row moves besides widens the reach. Reads the epochs and motions
 * of the tables where these are columns.
 */
export async function measureReach(
  { left, right }: Sides,
  radiusArcsec: number,
  context: MatchContext,
): Promise<PairReach> {
  const [ofLeft, ofRight] = [left.columns.astrometry, right.columns.astrometry];
  if (!comparesEpochs(ofLeft, ofRight)) return restingReach(radiusArcsec);
  const [leftYears, rightYears] = [await yearsOf(left, context), await yearsOf(right, context)];
  const rightMoves = ofRight.motion !== undefined;
  const leftYear = ofLeft.epoch && 'year' in ofLeft.epoch ? ofLeft.epoch.year : undefined;
  const middle = (rightYears[0] + rightYears[1]) / 2;
  const leftMostArcsec =
    ofLeft.motion === undefined || (!rightMoves && rightYears[0] === rightYears[1])
      ? 0
      : (await scan(left, { until: rightYears, within: !rightMoves }, context)).mostArcsec;
  const ownMoves = rightMoves && leftYear === undefined;
  const rightMostArcsec = ownMoves ? (await scan(right, { until: leftYears, within: false }, context)).mostArcsec : 0;
  const mostArcsec = radiusArcsec + Math.max(leftMostArcsec, rightMostArcsec);
  return {
    left: {
      year: rightMoves || !ofLeft.motion ? undefined : middle,
      until: undefined,
      restingArcsec: mostArcsec,
      movingArcsec: mostArcsec,
    },
    right: {
      year: rightMoves ? leftYear : undefined,
      until: ownMoves ? leftYears : undefined,
      restingArcsec: radiusArcsec + leftMostArcsec,
      movingArcsec: radiusArcsec,
    },
    mostDeg: reachOf(mostArcsec),
    moves: true,
  };
}

/** Where rows are sorted; `times` of the reach. */
export function sortedRows(
  positions: Positions,
  astrometry: Astrometry | undefined,
  columns: AstrometryColumns,
  { year, until, restingArcsec, movingArcsec }: SortedSide,
  times: number,
): SortedRows {
  const motions = astrometry?.motions;
  const side = movingSide(positions, astrometry, columns);
  const decDeg = declinationsIn(side, year);
  if (!motions || (until === undefined && restingArcsec === movingArcsec))
    return { decDeg, reachDeg: times * reachOf(restingArcsec) };
  const own = until && moves(side, ...until);
  const reachDeg = Float64Array.from(decDeg, (_, row) =>
    hasMotion(motions, row) ? reachOf(movingArcsec + (own?.[row] ?? 0)) : reachOf(restingArcsec),
  );
  return { decDeg, reachDeg: times === 1 ? reachDeg : reachDeg.map((reach) => times * reach) };
}

/** The same without the reach. */
export function sortedDeclinations(
  positions: Positions,
  astrometry: Astrometry | undefined,
  columns: AstrometryColumns,
  { year }: SortedSide,
): Float64Array {
  return declinationsIn(movingSide(positions, astrometry, columns), year);
}

function declinationsIn(side: MovingSide, year: number | undefined): Float64Array {
  return year === undefined ? side.positions.dec : moved(side, year).dec;
}

function yearsOf(side: Sides['left'], context: MatchContext): Promise<readonly [number, number]> {
  const { epoch } = side.columns.astrometry;
  if (epoch && 'year' in epoch) return Promise.resolve([epoch.year, epoch.year]);
  return scan(side, undefined, context).then(({ years }) => years);
}

/** Until when moves are measured; `within`: what is moved in half of that time, somewhere in it. */
interface MoveSpan {
  readonly until: readonly [number, number];
  readonly within: boolean;
}

interface MotionGroupTask extends GroupTask {
  readonly span: MoveSpan | undefined;
}

async function scan(
  { reader, columns }: Sides['left'],
  span: MoveSpan | undefined,
  { runtime, signal }: MatchContext,
): Promise<MotionScan> {
  let [first, last, mostArcsec] = [Infinity, -Infinity, 0];
  const { epoch, motion } = columns.astrometry;
  const astrometry = { epoch, motion, error: undefined, radius: undefined };
  await scanTable<MotionScan>(
    {
      reader,
      columns: { ...columns, astrometry },
      runtime,
      signal,
      task: { name: 'motionGroup', more: { span } },
      here: (rows) => motionsOf(rows, astrometry, span),
    },
    ({ years, mostArcsec: most }) => {
      first = Math.min(first, years[0]);
      last = Math.max(last, years[1]);
      mostArcsec = Math.max(mostArcsec, most);
    },
  );
  // Without a usable row it does not matter when they were.
  return { years: first <= last ? [first, last] : [0, 0], mostArcsec };
}

/** In a worker. */
export async function motionGroup(task: MotionGroupTask): Promise<MotionScan> {
  return motionsOf(await rowsOfGroup(task), task.columns.astrometry, task.span);
}

function motionsOf(
  { positions, astrometry }: SkyRows,
  columns: AstrometryColumns,
  span: MoveSpan | undefined,
): MotionScan {
  const status = positionStatuses(positions);
  const side = movingSide(positions, astrometry, columns);
  const { years } = side;
  const usable =
    typeof years === 'number' ? years : years.map((year, row) => (status[row] === RowStatus.ok ? year : NaN));
  const [first, last] = yearRange({ ...side, years: usable });
  let mostArcsec = 0;
  if (span) {
    const [from, to] = span.until;
    const all = span.within ? movesWithin(side, from, to, (to - from) / 2) : moves(side, from, to);
    for (let row = 0; row < all.length; row++)
      if (status[row] === RowStatus.ok) mostArcsec = Math.max(mostArcsec, all[row]);
  }
  return { years: Number.isNaN(first) ? [Infinity, -Infinity] : [first, last], mostArcsec };
}

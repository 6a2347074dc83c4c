import { fail } from '@armilla/base';
import { parseEpoch } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { astrometryColumns } from './astrometry/astrometry-columns.js';
import type { FilteredSide, ResolvedOptions, SideOptions } from './options.js';
import { epochWarnings } from './refine/warnings.js';

type Described = Pick<TableReader, 'position' | 'schema' | 'where'>;

/** What `given` says of the position of a table and, where it says nothing of it, what the table says itself. */
export function describedPosition<T extends FilteredSide>(given: T, { position }: Pick<TableReader, 'position'>): T {
  if (!position) return given;
  const frame = given.frame ?? (isByTable(given, position) ? position.frame : undefined);
  return { ...given, ra: given.ra ?? position.ra, dec: given.dec ?? position.dec, frame };
}

/** The options of a match with what its tables say of themselves, and what to warn of. */
export interface DescribedMatch {
  readonly options: ResolvedOptions;
  readonly warnings: readonly string[];
}

/**
 * Adds what the tables say of themselves. Their epochs count where both have one, they differ, and something is known to move
 * between them or an epoch is given; else they change no pair.
 */
export function describedMatch(options: ResolvedOptions, left: Described, right: Described): DescribedMatch {
  const plain: ResolvedOptions = {
    ...options,
    left: describedPosition(options.left, left),
    right: describedPosition(options.right, right),
  };
  const [ofLeft, ofRight] = [epochOf(options.left, left, 'left'), epochOf(options.right, right, 'right')];
  if (!ofLeft || !ofRight) return { options: plain, warnings: [] };
  const [leftYear, rightYear] = [ofLeft.year(), ofRight.year()];
  if (leftYear !== undefined && leftYear === rightYear) return { options: plain, warnings: [] };
  const moved: ResolvedOptions = {
    ...plain,
    left: { ...plain.left, epoch: ofLeft.text },
    right: { ...plain.right, epoch: ofRight.text },
  };
  if (ofLeft.isGiven || ofRight.isGiven) return { options: moved, warnings: [] };
  const columns = [
    astrometryColumns(left.schema, moved.left, left.where, 'left'),
    astrometryColumns(right.schema, moved.right, right.where, 'right'),
  ] as const;
  if (columns.some(({ motion }) => motion)) return { options: moved, warnings: [] };
  return { options: plain, warnings: epochWarnings(...columns, options.radiusArcsec) };
}

interface TableEpoch {
  readonly text: string;
  readonly isGiven: boolean;
  /** Of a table that says it itself; throws OPTION_INVALID where that is none. */
  year(): number | undefined;
}

function epochOf(given: SideOptions, { position, where }: Described, side: string): TableEpoch | undefined {
  if (given.epoch !== undefined) return { text: given.epoch, isGiven: true, year: () => undefined };
  if (!isByTable(given, position) || position.epoch === undefined) return undefined;
  const text = position.epoch;
  const year = (): number => {
    const found = parseEpoch(text);
    if (found !== undefined) return found;
    const got = `'${text.slice(0, 100)}' (hats_coordinate_epoch of ${where})`;
    throw fail('OPTION_INVALID', { field: `${side}_epoch`, expected: 'given, such as J2016.0', got });
  };
  return { text, isGiven: false, year };
}

/** Whether the table's word counts: of a position in other columns it knows nothing. */
function isByTable(given: SideOptions, position: TableReader['position']): position is NonNullable<typeof position> {
  return position !== undefined && given.ra === undefined && given.dec === undefined;
}

import { fail } from '@armilla/base';
import type { SkyIndex } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import type { CatalogTable } from '../catalog-table.js';
import { type PositionColumns, positionColumns } from '../columns.js';
import type { MatchContext } from '../match.js';
import type { ResolvedOptions } from '../options.js';
import { readRows } from '../positions.js';
import { comparesEpochs } from '../refine/epochs.js';
import { type Alignment, measureAlignment, mutualOffsets } from './alignment.js';
import { LeftSample, type SampledRows } from './left-sample.js';
import { indexedNeighbours, type Neighbours } from './neighbours.js';
import { unitVector, type Vector3 } from './tangent.js';

/** What was done to the left positions before they were matched, and what it was measured on. */
export interface Recentering extends Alignment {
  /** The left positions were turned by it about the axes of ICRS. */
  readonly turnArcsec: Vector3;
}

/**
 * Reads the left table once for the offset and the rotation between the two; undefined where too few rows have a nearest
 * row within twice the radius. Throws OPTIONS_CONFLICT where the table cannot be read twice, or moves.
 */
export async function measureRecentering(
  right: CatalogTable,
  options: ResolvedOptions,
  { openLeftAgain, signal }: MatchContext,
): Promise<Recentering | undefined> {
  if (!openLeftAgain)
    throw fail('OPTIONS_CONFLICT', {
      detail:
        'recenter reads the left table twice: give a file or, on a server, the name of a stored table; a stream has passed by when it was read',
    });
  await using reader = disposable(await openLeftAgain());
  const columns = positionColumns(reader.table.schema, options.left, reader.table.where, 'left');
  checkCentrable(columns, right.columns);
  if (!right.positions) throw new TypeError('recentering needs the right positions');
  const around = indexedNeighbours(right.index as SkyIndex, right.positions, signal);
  return recenteringOf(await sampleOf(reader.table, columns, signal), around, options.radiusArcsec);
}

/** Throws OPTIONS_CONFLICT where rows move. */
export function checkCentrable(left: PositionColumns, right: PositionColumns): void {
  if (comparesEpochs(left.astrometry, right.astrometry))
    throw fail('OPTIONS_CONFLICT', { detail: 'recenter measures positions as they stand: leave the epochs out' });
}

/** How the left rows of a sample have to be turned to lie on the right ones; undefined where too few have one near. */
export async function recenteringOf(
  sample: SampledRows,
  around: Neighbours,
  radiusArcsec: number,
): Promise<Recentering | undefined> {
  const mostArcsec = Math.min(648_000, 2 * radiusArcsec);
  const query = { radiusArcsec: mostArcsec, minRadiusArcsec: 0, find: 'nearest', k: 1, order: 'left' } as const;
  const near = await around.nearest(sample, query);
  const alignment = measureAlignment(mutualOffsets(near, sample, near.positions), sample, near.positions, mostArcsec);
  return alignment && { ...alignment, turnArcsec: turnOf(alignment, sample) };
}

/** Rows that stand for all of the left table. */
export async function sampleOf(
  table: TableReader,
  columns: PositionColumns,
  signal?: AbortSignal,
): Promise<SampledRows> {
  const sample = new LeftSample(undefined);
  const names = [...new Set([columns.ra, columns.dec])];
  // Errors and radii of rows do not count here.
  const nothing = { epoch: undefined, motion: undefined, error: undefined, radius: undefined };
  const positionsOnly: PositionColumns = { ...columns, astrometry: nothing, filter: undefined };
  for await (const batch of table.batches({ columns: names, signal })) {
    signal?.throwIfAborted();
    sample.addBatch(batch, (await readRows(batch, positionsOnly, table.where, signal)).positions, undefined);
  }
  return sample.rows();
}

/** The rotation, or where the pairs tell none the offset, as a turn of their mean place. */
function turnOf({ offset, rotation }: Alignment, { ra, dec }: SampledRows): Vector3 {
  if (rotation) return [rotation.xArcsec, rotation.yArcsec, rotation.zArcsec];
  let [x, y, z] = [0, 0, 0];
  for (let i = 0; i < ra.length; i++) {
    const [ux, uy, uz] = unitVector(ra[i], dec[i]);
    [x, y, z] = [x + ux, y + uy, z + uz];
  }
  const right = Math.atan2(y, x);
  const up = Math.atan2(z, Math.hypot(x, y));
  const { raCosdecArcsec: east, decArcsec: north } = offset;
  // w = l x (east E + north N) = east N - north E.
  return [
    -east * Math.sin(up) * Math.cos(right) + north * Math.sin(right),
    -east * Math.sin(up) * Math.sin(right) - north * Math.cos(right),
    east * Math.cos(up),
  ];
}

function disposable(table: TableReader): { readonly table: TableReader } & AsyncDisposable {
  return { table, [Symbol.asyncDispose]: () => table.close() };
}

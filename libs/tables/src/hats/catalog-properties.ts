import { posix } from 'node:path';
import { fail } from '@armilla/base';
import type { DescribedPosition } from '../table/reader.js';
import type { Properties } from './properties.js';

/** Column of the pixel of order 29 that a row lies in. */
export const PIXEL_COLUMN = '_healpix_29';

/** Kinds of catalogs whose rows are those of a table that is partitioned by position. */
const READ_TYPES: readonly string[] = ['object', 'source', 'nested', 'association', 'map'];
/** Kinds that are about another catalog. */
const AUXILIARY_TYPES: Readonly<Record<string, string>> = {
  margin: 'a margin cache: copies of rows near the borders of partitions, which are not needed here',
  index: 'an index, not the rows themselves',
};
const FRAMES: Readonly<Record<string, DescribedPosition['frame']>> = {
  equatorial: 'icrs',
  icrs: 'icrs',
  galactic: 'galactic',
  ecliptic: 'ecliptic',
};

/** What a catalog's properties say that matters for reading its rows. */
export interface CatalogProperties {
  readonly name: string | undefined;
  readonly type: string;
  readonly rowCount: number | undefined;
  readonly position: DescribedPosition | undefined;
  /** The column of the pixel that each row lies in, and the order of these pixels. */
  readonly pixelColumn: { readonly name: string; readonly order: number };
  /** End of the names of partition files; `/`: folders of files. */
  readonly suffix: string;
  readonly all: Properties;
}

/** Whether properties are those of a HATS catalog, and not of something else that has a file of this name. */
export function isCatalog(properties: Properties): boolean {
  return properties.has('dataproduct_type') || [...properties.keys()].some((key) => key.startsWith('hats_'));
}

/** Throws HATS_INVALID for what no catalog can say, HATS_UNSUPPORTED for versions and kinds of catalogs that are not read. */
export function catalogProperties(all: Properties, where: string): CatalogProperties {
  checkVersion(all, where);
  const type = all.get('dataproduct_type') ?? 'object';
  if (Object.hasOwn(AUXILIARY_TYPES, type)) {
    const primary = all.get('hats_primary_table_url');
    const instead =
      primary === undefined ? 'the catalog that it belongs to' : `its catalog, '${posix.basename(primary)}'`;
    throw fail('HATS_UNSUPPORTED', { where, detail: `it is ${AUXILIARY_TYPES[type]}; give ${instead}` });
  }
  if (!READ_TYPES.includes(type))
    throw fail('HATS_UNSUPPORTED', {
      where,
      detail: `its dataproduct_type is '${type.slice(0, 100)}'; read are ${READ_TYPES.join(', ')}`,
    });
  return {
    name: all.get('obs_collection'),
    type,
    rowCount: rowCount(all, where),
    position: position(all, where),
    pixelColumn: pixelColumn(all),
    suffix: suffix(all, where),
    all,
  };
}

/** The catalog that a collection stands for, as a path below the collection. Throws HATS_INVALID. */
export function primaryTable(all: Properties, where: string): string {
  checkVersion(all, where);
  const path = all.get('hats_primary_table_url');
  if (path === undefined || path === '')
    throw fail('HATS_INVALID', { where, detail: 'the collection does not say its hats_primary_table_url' });
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw fail('HATS_UNSUPPORTED', {
      where,
      detail: `its catalog is at '${path.slice(0, 200)}', not on this machine; fetch it first`,
    });
  if (path.includes('\0') || posix.isAbsolute(path) || path.includes('\\') || path.split('/').includes('..'))
    throw fail('HATS_INVALID', {
      where,
      detail: `hats_primary_table_url '${path.slice(0, 200)}' leads out of the collection`,
    });
  return path;
}

function checkVersion(all: Properties, where: string): void {
  const version = all.get('hats_version');
  if (version === undefined || /^v?[01](?:\.\d+)*$/i.test(version)) return;
  throw fail('HATS_UNSUPPORTED', {
    where,
    detail: `HATS version '${version.slice(0, 100)}' is not known; read are 0.x and 1.x`,
  });
}

function rowCount(all: Properties, where: string): number | undefined {
  const text = all.get('hats_nrows');
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw fail('HATS_INVALID', { where, detail: `hats_nrows is '${text.slice(0, 100)}', must be a number of rows` });
}

function position(all: Properties, where: string): DescribedPosition | undefined {
  const [ra, dec] = [all.get('hats_col_ra'), all.get('hats_col_dec')];
  if (!ra || !dec) return undefined;
  const frame = all.get('hats_frame')?.toLowerCase();
  if (frame !== undefined && !Object.hasOwn(FRAMES, frame))
    throw fail('HATS_INVALID', {
      where,
      detail: `hats_frame is '${frame.slice(0, 100)}', must be equatorial, galactic or ecliptic`,
    });
  return {
    ra,
    dec,
    frame: frame === undefined ? undefined : FRAMES[frame],
    epoch: all.get('hats_coordinate_epoch') || undefined,
  };
}

/** `_healpix_29` unless the catalog names another one. */
function pixelColumn(all: Properties): CatalogProperties['pixelColumn'] {
  const [name, order] = [all.get('hats_col_healpix'), Number(all.get('hats_col_healpix_order') ?? '29')];
  return name && Number.isInteger(order) && order >= 0 && order <= 29
    ? { name, order }
    : { name: PIXEL_COLUMN, order: 29 };
}

function suffix(all: Properties, where: string): string {
  const text = all.get('hats_npix_suffix') || '.parquet';
  if (text === '/' || text === '\\') return '/';
  if (/^\.[A-Za-z0-9_.-]{1,40}$/.test(text) && !text.includes('..')) return text;
  throw fail('HATS_INVALID', {
    where,
    detail: `hats_npix_suffix is '${text.slice(0, 100)}', must be an ending such as .parquet, or /`,
  });
}

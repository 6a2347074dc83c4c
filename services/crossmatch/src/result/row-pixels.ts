import { fail } from '@armilla/base';
import { fillPixelWords } from '@armilla/sky';
import type { PixelWords, RowPixels, TableReader } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { type PositionColumns, positionColumns } from '../columns.js';
import { describedPosition } from '../described-tables.js';
import type { PositionColumnNames } from '../options.js';
import { readRows } from '../positions.js';
import type { MatchStream } from '../stream.js';
import type { ResultLayout } from './layout.js';

/** Where the rows of a table lie: by the columns that are given, else that the table names, else that are guessed. Throws OPTIONS_CONFLICT. */
export function tablePixels(
  table: Pick<TableReader, 'schema' | 'where' | 'rowCount' | 'position'>,
  given: PositionColumnNames = {},
): RowPixels {
  const columns = positionColumns(
    table.schema,
    describedPosition(given, table),
    table.where,
    undefined,
    table.rowCount,
  );
  return pixelsBy([{ ...columns, astrometry: NOTHING_ELSE, filter: undefined }], table.where);
}

/** Where rows lie by the first of `choices`, columns of right ascension and declination in degrees and ICRS, in which they have a position. */
export function pixelsByColumns(
  schema: Schema,
  where: string,
  choices: readonly { readonly ra: string; readonly dec: string }[],
): RowPixels {
  const columns = choices.map(({ ra, dec }) => ({
    ...positionColumns(schema, { ra, dec, frame: 'icrs' }, where, undefined),
    astrometry: NOTHING_ELSE,
    filter: undefined,
  }));
  return pixelsBy(columns, where);
}

/**
 * Where the rows of a match lie: at the left position or, where a row has none, at the right one. Throws OPTIONS_CONFLICT where the result
 * does not have the columns.
 */
export function resultPixels({
  layout,
  guesses,
  options,
}: Pick<MatchStream, 'layout' | 'guesses' | 'options'>): RowPixels {
  const sides = options.selfMatch === undefined ? (['left', 'right'] as const) : (['left'] as const);
  const found = sides.flatMap((side) => inResult(layout, side, guesses[side]) ?? []);
  if (found.length === 0)
    throw fail('OPTIONS_CONFLICT', {
      detail: `a HATS catalog needs the position of its rows: add left.${guesses.left.ra} and left.${guesses.left.dec} to the columns`,
    });
  return pixelsBy(found, 'the result');
}

const NOTHING_ELSE: PositionColumns['astrometry'] = {
  epoch: undefined,
  motion: undefined,
  error: undefined,
  radius: undefined,
};

/** The position columns of a side under their names in the result; undefined where it does not take them. */
function inResult(layout: ResultLayout, side: 'left' | 'right', columns: PositionColumns): PositionColumns | undefined {
  const nameOf = (name: string): string | undefined => {
    const index = layout.columns.findIndex((column) => column.from === side && column.name === name);
    return index < 0 ? undefined : layout.schema.fields[index].name;
  };
  const [ra, dec] = [nameOf(columns.ra), nameOf(columns.dec)];
  if (ra === undefined || dec === undefined) return undefined;
  return { ...columns, ra, dec, astrometry: NOTHING_ELSE, filter: undefined };
}

/** By the first of `choices` that a row has a position in. */
function pixelsBy(choices: readonly PositionColumns[], where: string): RowPixels {
  const [{ ra, dec, frame, raReading, decReading }] = choices;
  if (frame !== 'icrs' || [raReading, decReading].some(({ factor, text }) => factor !== 1 || text))
    throw fail('OPTIONS_CONFLICT', {
      detail: `${where}: a HATS catalog needs right ascension and declination in degrees, ICRS; '${ra}' and '${dec}' are others`,
    });
  return {
    ra,
    dec,
    async of(batch: RecordBatch): Promise<PixelWords> {
      const high = new Int32Array(batch.numRows).fill(-1);
      const low = new Uint32Array(batch.numRows);
      // The last choice first: what a better one says replaces it.
      for (const columns of [...choices].reverse())
        fillPixelWords((await readRows(batch, columns, where)).positions, high, low);
      return { high, low };
    },
  };
}

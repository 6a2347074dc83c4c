import { fail } from '@armilla/base';
import { pixelsByColumns } from '@armilla/crossmatch';
import type { RowPixels } from '@armilla/tables';
import type { Schema } from 'apache-arrow';

/** What a document of provenance says of a table, as far as it is looked at. */
interface Input {
  /** `left`, `right` or a number from 1; none of the table of a cone search. */
  readonly table?: string | number;
  readonly position?: { readonly frame?: string; readonly ra_degrees?: Coordinate; readonly dec_degrees?: Coordinate };
}

interface Coordinate {
  readonly column?: string;
  readonly factor?: number;
  readonly sexagesimal?: boolean;
}

interface Options {
  readonly join?: string;
  readonly columns?: readonly string[];
  readonly suffixes?: readonly string[];
}

/**
 * Where the rows of a result lie, by what its document says of the positions of its tables: at that of the first table that a row has. Throws
 * OPTIONS_CONFLICT where the result does not have them, or not in degrees and ICRS.
 */
export function documentPixels(schema: Schema, document: Readonly<Record<string, unknown>>): RowPixels {
  const inputs = Array.isArray(document.inputs) ? (document.inputs as readonly Input[]) : [];
  const options = (document.options ?? {}) as Options;
  const choices = inputs.flatMap((input, k) => positionIn(schema, input, k, options) ?? []);
  if (choices.length > 0) return pixelsByColumns(schema, 'the result', choices);
  const side = prefixOf(inputs[0] ?? {});
  const { ra, dec } = columnsOf(inputs[0] ?? {}) ?? { ra: 'RA', dec: 'DEC' };
  throw fail('OPTIONS_CONFLICT', {
    detail: `a HATS catalog needs the position of its rows: add ${side}.${ra} and ${side}.${dec} to the columns`,
  });
}

const prefixOf = ({ table = 'table' }: Input): string => String(table);

function columnsOf({ position }: Input): { ra: string; dec: string } | undefined {
  const [ra, dec] = [position?.ra_degrees?.column, position?.dec_degrees?.column];
  return typeof ra === 'string' && typeof dec === 'string' ? { ra, dec } : undefined;
}

/** The position columns of a table by their names in the result; undefined where it does not have them. */
function positionIn(
  schema: Schema,
  input: Input,
  k: number,
  options: Options,
): { ra: string; dec: string } | undefined {
  const given = columnsOf(input);
  if (!given || ![given.ra, given.dec].every((name) => isTaken(name, input, options))) return undefined;
  const suffix = options.suffixes?.[k] ?? `_${k + 1}`;
  const [ra, dec] = [given.ra, given.dec].map((name) => nameIn(schema, name, suffix));
  if (ra === undefined || dec === undefined) return undefined;
  const { frame, ra_degrees, dec_degrees } = input.position ?? {};
  if (frame !== 'icrs' || [ra_degrees, dec_degrees].some((one) => one?.factor !== 1 || one.sexagesimal))
    throw fail('OPTIONS_CONFLICT', {
      detail: `the result: a HATS catalog needs right ascension and declination in degrees, ICRS; '${ra}' and '${dec}' are others`,
    });
  return { ra, dec };
}

/** Whether the result takes a column of a table. */
function isTaken(name: string, input: Input, { columns, join }: Options): boolean {
  if (columns === undefined) return join !== (input.table === 'left' ? 'right-anti' : 'left-anti') || !isSide(input);
  const side = prefixOf(input);
  return [name, '*', `${side}.*`, `${side}.${name}`].some((text) => columns.includes(text));
}

const isSide = ({ table }: Input): boolean => table === 'left' || table === 'right';

/** Names that several tables have get the suffix of their table; undefined where it cannot be told which column that is. */
function nameIn({ fields }: Schema, name: string, suffix: string): string | undefined {
  const has = (wanted: string): boolean => fields.some((field) => field.name === wanted);
  if (has(name)) return name;
  return has(name + suffix) && !has(name + suffix + suffix) ? name + suffix : undefined;
}

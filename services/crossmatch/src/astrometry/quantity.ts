import { fail } from '@armilla/base';
import type { Field } from 'apache-arrow';

/** What a column measures; its values are brought to the unit behind it. */
export type QuantityKind = 'position' | 'error' | 'proper-motion' | 'parallax' | 'velocity' | 'angle';

const DEG: Readonly<Record<string, number>> = {
  deg: 1,
  degree: 1,
  degrees: 1,
  '°': 1,
  arcmin: 1 / 60,
  arcsec: 1 / 3600,
  '"': 1 / 3600,
  mas: 1 / 3_600_000,
  uas: 1 / 3_600_000_000,
  rad: 180 / Math.PI,
  radian: 180 / Math.PI,
  radians: 180 / Math.PI,
  h: 15,
  hr: 15,
  hour: 15,
  hours: 15,
  hourangle: 15,
};
const YEAR = ['yr', 'year', 'a'];

const UNITS: Readonly<
  Record<QuantityKind, { readonly unit: string; readonly factors: Readonly<Record<string, number>> }>
> = {
  position: { unit: 'deg', factors: DEG },
  angle: { unit: 'deg', factors: DEG },
  error: { unit: 'arcsec', factors: scaled(DEG, 3600) },
  parallax: { unit: 'mas', factors: scaled(DEG, 3_600_000) },
  'proper-motion': {
    unit: 'mas/yr',
    factors: Object.fromEntries(
      Object.entries(scaled(DEG, 3_600_000)).flatMap(([name, factor]) =>
        YEAR.flatMap((year) =>
          [`${name}/${year}`, `${name}${year}-1`, `${name}.${year}-1`].map((text) => [text, factor]),
        ),
      ),
    ),
  },
  velocity: { unit: 'km/s', factors: { 'km/s': 1, 'kms-1': 1, 'km.s-1': 1, 'm/s': 1e-3, 'ms-1': 1e-3, 'm.s-1': 1e-3 } },
};

/** A column of a table and, where the user gave one, the unit of its values. */
export interface ColumnReference {
  readonly name: string;
  readonly unit: string | undefined;
}

/** Reads `NAME` or `NAME:UNIT`; a colon that no known unit follows belongs to the name. */
export function parseColumn(text: string, kind: QuantityKind): ColumnReference {
  const at = text.lastIndexOf(':');
  if (at <= 0) return { name: text, unit: undefined };
  const unit = text.slice(at + 1);
  return factorOf(unit, kind) === undefined ? { name: text, unit: undefined } : { name: text.slice(0, at), unit };
}

/** The factor that brings values in `unit` to the unit of `kind`; undefined for a unit that is none of it. */
export function factorOf(unit: string, kind: QuantityKind): number | undefined {
  const text = unit.trim().replace(/\s+/g, '').replace(/\*\*/g, '').replace(/\^/g, '');
  const { factors } = UNITS[kind];
  // VOUnits may begin with a number, such as 15deg for hours.
  const [, scale, name] = /^(\d+(?:\.\d+)?)?(.*)$/.exec(text) as unknown as [string, string | undefined, string];
  const factor = factors[name] ?? factors[name.toLowerCase()];
  return factor === undefined ? undefined : factor * Number(scale ?? 1);
}

/**
 * The factor of a column by the unit that was given, else by its own, else `fallback`. Throws COLUMN_TYPE for a unit of
 * something else and, where there is no fallback, for no unit at all.
 */
export function columnFactor(
  field: Field,
  given: string | undefined,
  kind: QuantityKind,
  where: string,
  fallback?: number,
): number {
  const unit = given ?? (field.metadata.get('unit') ?? '').trim();
  if (unit === '' && fallback !== undefined) return fallback;
  const factor = factorOf(unit, kind);
  if (factor !== undefined) return factor;
  throw fail('COLUMN_TYPE', {
    where,
    column: field.name,
    type: unit === '' ? 'without a unit' : `in unit '${unit}'`,
    expected: `in a unit such as ${UNITS[kind].unit}${unit === '' ? `: name it as '${field.name}:${UNITS[kind].unit}'` : ''}`,
  });
}

function scaled(factors: Readonly<Record<string, number>>, by: number): Record<string, number> {
  return Object.fromEntries(Object.entries(factors).map(([name, factor]) => [name, factor * by]));
}

import { Random } from '@armilla/base';
import type { Table } from 'apache-arrow';
import { tableOf } from './memory-table.js';
import { awkwardSky } from './sky.js';

/** The rows of an awkward sky with everything that a match can be told of them, and some of it missing or wrong. */
export function describedCatalog(seed: number, rowCount: number, offsetArcsec = 0): Table {
  const { ra, dec, nulls } = awkwardSky(seed, rowCount, offsetArcsec);
  const random = new Random(1000 + seed);
  const column = (make: (row: number) => number): Float64Array => Float64Array.from(ra, (_, row) => make(row));
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, row) => (nulls?.[row] ? null : value));
  const sometimes = (values: Float64Array, every: number, other: number): Float64Array =>
    values.map((value, row) => (row % every === 3 ? other : value));
  const major = column(() => random.between(1, 4));
  return tableOf({
    id: BigInt64Array.from(ra, (_, row) => BigInt(row)),
    name: Array.from(ra, (_, row) => (row % 7 === 3 ? null : `${seed}-${row % 50}`)),
    ra: orNull(ra),
    dec: orNull(dec),
    ra_hours: orNull(ra.map((value) => value / 15)),
    ra_text: Array.from(ra, (value, row) =>
      nulls?.[row] ? null : sexagesimal((((value % 360) + 360) % 360) / 15, row),
    ),
    dec_text: Array.from(dec, (value, row) => (nulls?.[row] ? null : sexagesimal(value, row))),
    mag: orNull(column(() => random.between(10, 20))),
    flag: Int32Array.from(ra, (_, row) => row % 3),
    pmra: sometimes(
      column(() => random.normal() * 300),
      11,
      NaN,
    ),
    pmdec: column(() => random.normal() * 300),
    pm_error: column(() => random.between(1, 200)),
    plx: column(() => random.between(-1, 200)),
    rv: sometimes(
      column(() => random.normal() * 100),
      5,
      NaN,
    ),
    mjd: sometimes(
      column(() => random.between(51000, 59000)),
      37,
      NaN,
    ),
    error: sometimes(
      column(() => random.between(0.5, 4)),
      31,
      -1,
    ),
    major,
    minor: sometimes(
      major.map((value) => value * random.uniform()),
      29,
      9,
    ),
    angle: column(() => random.between(0, 180)),
    correlation: column(() => random.between(-0.9, 0.9)),
    radius: sometimes(
      column(() => random.between(1, 15)),
      23,
      NaN,
    ),
  });
}

/** `units:minutes:seconds`; not a position now and then. */
function sexagesimal(value: number, row: number): string {
  if (row % 41 === 7 || !Number.isFinite(value)) return 'unknown';
  const size = Math.abs(value) + 0.0000005;
  const [units, rest] = [Math.floor(size), (size % 1) * 60];
  const seconds = ((rest % 1) * 60).toFixed(4).padStart(7, '0');
  const text = `${String(units).padStart(2, '0')}:${String(Math.floor(rest)).padStart(2, '0')}:${seconds}`;
  return (value < 0 ? '-' : '') + text.replace(':60.0000', ':59.9999');
}

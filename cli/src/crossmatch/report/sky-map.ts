import type { Evidence } from '@armilla/crossmatch';
import { axis, COLOURS, type DataTable, legend, linear, type Picture, valuesOf, WIDTH } from './picture.js';

const POINT_COUNT = 4000;
/** Fields larger than this are drawn as the whole sky. */
const FIELD_DEG = 40;
const RADIANS = Math.PI / 180;

/** Where the left rows are, and which of them are matched. */
export function skyMap({ sample, nearestArcsec }: Evidence, radiusArcsec: number): Picture {
  const step = Math.max(1, Math.ceil(sample.ra.length / POINT_COUNT));
  const rows: (readonly [number, number, string])[] = [];
  for (let i = 0; i < sample.ra.length; i += step)
    rows.push([turn(sample.ra[i]), sample.dec[i], nearestArcsec[i] <= radiusArcsec ? 'matched' : 'unmatched']);
  // Those without a match are few or lie between the others: they are drawn last, on top.
  rows.sort((a, b) => (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0));
  const field = fieldOf(rows);
  const matched = rows.filter((row) => row[2] === 'matched').length;
  const where = field
    ? `a field of ${field.sizeDeg.toPrecision(2)} degrees around right ascension ${field.ra.toFixed(2)}, declination ${field.dec.toFixed(2)}`
    : 'the whole sky in Mollweide projection, right ascension increasing to the left';
  return {
    id: 'sky',
    title: field ? 'The field' : 'The sky',
    alternative: `Map of ${rows.length} left rows, ${where}: ${matched} of them are matched, ${rows.length - matched} are not.`,
    data: { columns: ['ra_deg', 'dec_deg', 'state'], rows },
    spec: field ? fieldSpec(rows, field) : wholeSkySpec(rows),
  };
}

interface Field {
  readonly ra: number;
  readonly dec: number;
  readonly sizeDeg: number;
}

const SYMBOLS = legend([
  { text: 'matched', colour: COLOURS.first, shape: 'circle' },
  { text: 'unmatched', colour: COLOURS.second, shape: 'cross' },
]);

/** Undefined where the rows are spread over more than a field. */
function fieldOf(rows: readonly (readonly [number, number, string])[]): Field | undefined {
  let [x, y, z] = [0, 0, 0];
  for (const [ra, dec] of rows) {
    x += Math.cos(dec * RADIANS) * Math.cos(ra * RADIANS);
    y += Math.cos(dec * RADIANS) * Math.sin(ra * RADIANS);
    z += Math.sin(dec * RADIANS);
  }
  if (rows.length === 0 || Math.hypot(x, y, z) === 0) return undefined;
  const centre = { ra: turn(Math.atan2(y, x) / RADIANS), dec: Math.atan2(z, Math.hypot(x, y)) / RADIANS };
  let most = 0;
  for (const [ra, dec] of rows) {
    const point = gnomonic(ra, dec, centre.ra, centre.dec);
    if (!point) return undefined;
    most = Math.max(most, Math.abs(point[0]), Math.abs(point[1]));
  }
  return most > FIELD_DEG / 2 ? undefined : { ...centre, sizeDeg: Math.max(2 * most, 1 / 3600) };
}

function fieldSpec(rows: readonly (readonly [number, number, string])[], field: Field): Picture['spec'] {
  const points: DataTable = {
    columns: ['x', 'y', 'state'],
    rows: rows.map(([ra, dec, state]) => [...(gnomonic(ra, dec, field.ra, field.dec) ?? [NaN, NaN]), state]),
  };
  const half = 0.52 * field.sizeDeg;
  return {
    width: 460,
    height: 460,
    data: [{ name: 'rows', values: valuesOf(points) }],
    scales: [linear('x', [-half, half], true), linear('y', [-half, half]), ...SYMBOLS.scales],
    axes: [axis('x', 'degrees to the east of the centre'), axis('y', 'degrees to the north')],
    legends: SYMBOLS.legends,
    marks: [symbols({ x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } }, 'rows')],
  };
}

function wholeSkySpec(rows: readonly (readonly [number, number, string])[]): Picture['spec'] {
  const height = WIDTH / 2;
  const labels = [
    ...[30, 90, 150, 210, 270, 330].map((ra) => ({ ra, dec: 0, text: `${ra}°` })),
    ...[-60, -30, 30, 60].map((dec) => ({ ra: 180, dec, text: `${dec}°` })),
  ];
  const placed = { type: 'geopoint', projection: 'sky', fields: ['ra', 'dec'] };
  const at = { x: { field: 'x' }, y: { field: 'y' } };
  return {
    width: WIDTH,
    height,
    projections: [
      {
        name: 'sky',
        type: 'mollweide',
        // East is to the left when the sky is looked at from inside; right ascension 180 is in the middle.
        reflectX: true,
        rotate: [-180, 0, 0],
        scale: WIDTH / (4 * Math.SQRT2),
        translate: [WIDTH / 2, height / 2],
      },
    ],
    data: [
      {
        name: 'rows',
        values: rows.map(([ra, dec, state]) => ({ ra, dec, state })),
        transform: [placed],
      },
      { name: 'labels', values: labels, transform: [placed] },
      { name: 'grid', transform: [{ type: 'graticule', step: [30, 30] }] },
      { name: 'edge', values: [{ type: 'Sphere' }] },
    ],
    scales: SYMBOLS.scales,
    legends: SYMBOLS.legends,
    marks: [
      shape('edge', COLOURS.quiet),
      shape('grid', 'var(--grid)'),
      symbols(at, 'rows'),
      {
        type: 'text',
        from: { data: 'labels' },
        encode: {
          enter: {
            ...at,
            text: { field: 'text' },
            fill: { value: COLOURS.ink },
            fontSize: { value: 12 },
            align: { value: 'center' },
          },
        },
      },
    ],
  };
}

function symbols(at: object, data: string): object {
  return {
    type: 'symbol',
    from: { data },
    encode: {
      enter: {
        ...at,
        size: { value: 9 },
        shape: { scale: 'shape', field: 'state' },
        fill: { scale: 'colour', field: 'state' },
        fillOpacity: { value: 0.7 },
      },
    },
  };
}

const shape = (data: string, colour: string): object => ({
  type: 'shape',
  from: { data },
  encode: { enter: { stroke: { value: colour }, fill: { value: 'none' } } },
  transform: [{ type: 'geoshape', projection: 'sky' }],
});

/** Degrees in the tangent plane, to the east and to the north; undefined on the other half of the sky. */
function gnomonic(ra: number, dec: number, ra0: number, dec0: number): readonly [number, number] | undefined {
  const [sin, cos, sin0, cos0] = [dec, dec, dec0, dec0].map((angle, i) =>
    i % 2 === 0 ? Math.sin(angle * RADIANS) : Math.cos(angle * RADIANS),
  );
  const turned = (ra - ra0) * RADIANS;
  const depth = sin0 * sin + cos0 * cos * Math.cos(turned);
  if (depth < 0.1) return undefined;
  return [(cos * Math.sin(turned)) / depth / RADIANS, (cos0 * sin - sin0 * cos * Math.cos(turned)) / depth / RADIANS];
}

const turn = (ra: number): number => ((ra % 360) + 360) % 360;

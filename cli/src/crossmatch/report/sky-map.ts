import { formatCount } from '@armilla/base';
import type { Evidence } from '@armilla/crossmatch';
import { axis, COLOURS, type DataTable, legend, linear, type Picture, pointSize, valuesOf, WIDTH } from './picture.js';

const POINT_COUNT = 4000;
/** Fields larger than this are drawn as the whole sky. */
const FIELD_DEG = 40;
const RADIANS = Math.PI / 180;

/** Where the left rows are, and which of them are matched; undefined without any. */
export function skyMap({ sample, nearestArcsec }: Evidence, radiusArcsec: number): Picture | undefined {
  const step = Math.max(1, Math.ceil(sample.ra.length / POINT_COUNT));
  const rows: (readonly [number, number, string])[] = [];
  for (let i = 0; i < sample.ra.length; i += step)
    rows.push([turn(sample.ra[i]), sample.dec[i], nearestArcsec[i] <= radiusArcsec ? 'matched' : 'unmatched']);
  if (rows.length === 0) return undefined;
  // Those without a match are few or lie between the others: they are drawn last, on top.
  rows.sort((a, b) => (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0));
  const field = fieldOf(rows);
  const matched = rows.filter((row) => row[2] === 'matched').length;
  const where = field
    ? `a field of ${(field.sizeDeg / field.unit.deg).toPrecision(2)} ${field.unit.name} around right ascension ` +
      `${field.ra.toFixed(field.unit.digits)}, declination ${field.dec.toFixed(field.unit.digits).replace(/^-(?=[0.]*$)/, '')}`
    : 'the whole sky in Mollweide projection, right ascension increasing to the left';
  return {
    id: 'sky',
    title: field ? 'The field' : 'The sky',
    alternative:
      `Map of ${rows.length < sample.ra.length ? `${formatCount(rows.length)} of ` : ''}${formatCount(sample.ra.length, 'left row')}, ${where}: ` +
      `${formatCount(matched)} matched, ${formatCount(rows.length - matched)} unmatched.`,
    data: { columns: ['ra_deg', 'dec_deg', 'state'], rows },
    spec: field ? fieldSpec(rows, field) : wholeSkySpec(rows),
  };
}

/** A unit of the axes of a field, and the digits that tell its centre in degrees. */
interface Unit {
  readonly name: string;
  readonly deg: number;
  readonly digits: number;
}

const UNITS: readonly Unit[] = [
  { name: 'degrees', deg: 1, digits: 2 },
  { name: 'arcmin', deg: 1 / 60, digits: 4 },
  { name: 'arcsec', deg: 1 / 3600, digits: 6 },
];

interface Field {
  readonly ra: number;
  readonly dec: number;
  readonly sizeDeg: number;
  readonly unit: Unit;
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
  if (most > FIELD_DEG / 2) return undefined;
  const sizeDeg = Math.max(2 * most, 1 / 3600);
  const unit = UNITS.find(({ deg }) => sizeDeg > 0.9 * deg) ?? UNITS[UNITS.length - 1];
  return { ...centre, sizeDeg, unit };
}

function fieldSpec(rows: readonly (readonly [number, number, string])[], field: Field): Picture['spec'] {
  const points: DataTable = {
    columns: ['x', 'y', 'state'],
    rows: rows.map(([ra, dec, state]) => {
      const [x, y] = gnomonic(ra, dec, field.ra, field.dec) ?? [NaN, NaN];
      return [x / field.unit.deg, y / field.unit.deg, state];
    }),
  };
  const half = (0.52 * field.sizeDeg) / field.unit.deg;
  return {
    width: 460,
    height: 460,
    data: [{ name: 'rows', values: valuesOf(points) }],
    scales: [linear('x', [-half, half], true), linear('y', [-half, half]), ...SYMBOLS.scales],
    axes: [axis('x', `${field.unit.name} to the east of the centre`), axis('y', `${field.unit.name} to the north`)],
    legends: SYMBOLS.legends,
    marks: [symbols({ x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } }, 'rows', rows.length)],
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
      symbols(at, 'rows', rows.length),
      // Rows lie under the labels: these have a border of paper.
      labelled({ ...at, stroke: { value: COLOURS.paper }, strokeWidth: { value: 4 } }),
      labelled({ ...at, fill: { value: COLOURS.ink } }),
    ],
  };
}

function labelled(enter: object): object {
  const text = { text: { field: 'text' }, fontSize: { value: 12 }, align: { value: 'center' } };
  return { type: 'text', from: { data: 'labels' }, encode: { enter: { ...enter, ...text } } };
}

function symbols(at: object, data: string, count: number): object {
  return {
    type: 'symbol',
    from: { data },
    encode: {
      enter: {
        ...at,
        size: { value: pointSize(count, 9) },
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

import { formatCount } from '@armilla/base';
import type { Evidence, Trust } from '@armilla/crossmatch';
import { axis, COLOURS, type DataTable, linear, type Picture, pointSize, valuesOf } from './picture.js';

const POINT_COUNT = 3000;
const ELLIPSE_STEPS = 90;

/** Where right rows lie from their left rows; undefined without pairs. */
export function offsetScatter({ offsets }: Evidence, { offset }: Trust, radiusArcsec: number): Picture | undefined {
  const { eastArcsec, northArcsec } = offsets;
  const step = Math.max(1, Math.ceil(eastArcsec.length / POINT_COUNT));
  const rows: number[][] = [];
  for (let p = 0; p < eastArcsec.length; p += step) rows.push([eastArcsec[p], northArcsec[p]]);
  if (rows.length === 0) return undefined;
  const data: DataTable = { columns: ['delta_ra_cosdec_arcsec', 'delta_dec_arcsec'], rows };
  // As much as the pairs fill, the radius at most.
  const reach = offset ? Math.hypot(offset.raCosdecArcsec, offset.decArcsec) + 8 * offset.majorArcsec : Infinity;
  const half = 1.05 * Math.min(radiusArcsec, Math.max(reach, radiusArcsec / 100));
  const told = offset
    ? `Their median is ${signed(offset.raCosdecArcsec)} arcsec in right ascension times cos(dec) and ${signed(offset.decArcsec)} arcsec ` +
      `in declination; the one-sigma ellipse has semi-axes of ${offset.majorArcsec.toPrecision(3)} and ${offset.minorArcsec.toPrecision(3)} arcsec.`
    : 'There are too few for a median.';
  return {
    id: 'offsets',
    title: 'Offsets',
    alternative: `Scatter of the offsets of ${formatCount(rows.length, 'pair')}, right minus left, to ${half.toPrecision(3)} arcsec. ${told}`,
    data,
    spec: {
      width: 420,
      height: 420,
      data: [
        { name: 'pairs', values: valuesOf(data) },
        { name: 'circle', values: ellipse(0, 0, radiusArcsec, radiusArcsec, 0) },
        {
          name: 'ellipse',
          values: offset
            ? ellipse(offset.raCosdecArcsec, offset.decArcsec, offset.majorArcsec, offset.minorArcsec, offset.angleDeg)
            : [],
        },
      ],
      // East is to the left, as on the sky.
      scales: [linear('x', [-half, half], true), linear('y', [-half, half])],
      axes: [axis('x', 'delta ra cos(dec) in arcsec'), axis('y', 'delta dec in arcsec')],
      marks: [
        {
          type: 'symbol',
          from: { data: 'pairs' },
          clip: true,
          encode: {
            enter: {
              x: { scale: 'x', field: 'delta_ra_cosdec_arcsec' },
              y: { scale: 'y', field: 'delta_dec_arcsec' },
              size: { value: pointSize(rows.length, 6) },
              fill: { value: COLOURS.first },
              fillOpacity: { value: 0.4 },
            },
          },
        },
        outline('circle', COLOURS.quiet, 1, [4, 4]),
        outline('ellipse', COLOURS.second, 3, []),
      ],
    },
  };
}

function outline(data: string, colour: string, width: number, dash: readonly number[]): object {
  return {
    type: 'line',
    from: { data },
    clip: true,
    encode: {
      enter: {
        x: { scale: 'x', field: 'x' },
        y: { scale: 'y', field: 'y' },
        stroke: { value: colour },
        strokeWidth: { value: width },
        strokeDash: { value: dash },
      },
    },
  };
}

/** The position angle runs from north through east. */
function ellipse(x: number, y: number, major: number, minor: number, angleDeg: number): object[] {
  const angle = (angleDeg * Math.PI) / 180;
  return Array.from({ length: ELLIPSE_STEPS + 1 }, (_, i) => {
    const turn = (2 * Math.PI * i) / ELLIPSE_STEPS;
    const [along, across] = [major * Math.cos(turn), minor * Math.sin(turn)];
    return {
      x: x + along * Math.sin(angle) + across * Math.cos(angle),
      y: y + along * Math.cos(angle) - across * Math.sin(angle),
    };
  });
}

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toPrecision(3)}`;

import type { Trust } from '@armilla/crossmatch';
import {
  axis,
  COLOURS,
  type DataTable,
  HEIGHT,
  legend,
  line,
  linear,
  marker,
  type Picture,
  valuesOf,
  WIDTH,
} from './picture.js';

/** Completeness and purity against the radius; undefined where no row is matched up to twice the radius. */
export function sharesByRadius(
  { curve, advisedRadiusArcsec, completeness, purity }: Trust,
  radiusArcsec: number,
): Picture | undefined {
  if (!curve.some(({ matchedShare }) => matchedShare > 0)) return undefined;
  const rows = curve.map((point) => [
    point.radiusArcsec,
    point.completeness,
    point.purity,
    point.matchedShare,
    point.chanceShare,
  ]);
  const data: DataTable = {
    columns: ['radius_arcsec', 'completeness', 'purity', 'matched_share', 'chance_share'],
    rows,
  };
  const names = legend([
    { text: 'completeness', colour: COLOURS.first },
    { text: 'purity', colour: COLOURS.second, dash: [6, 4] },
  ]);
  const advice =
    advisedRadiusArcsec === undefined
      ? 'No radius can be advised.'
      : `Advised radius: ${advisedRadiusArcsec.toPrecision(3)} arcsec.`;
  return {
    id: 'shares',
    title: 'Completeness and purity',
    alternative:
      `Lines of completeness and purity against the radius, up to ${2 * radiusArcsec} arcsec. At ${radiusArcsec} arcsec completeness is ` +
      `${percent(completeness)} and purity ${percent(purity)}. ${advice}`,
    data,
    spec: {
      width: WIDTH,
      height: HEIGHT,
      data: [{ name: 'curve', values: valuesOf(data) }],
      scales: [linear('x', [0, 2 * radiusArcsec]), linear('y', [0, 1.02]), ...names.scales],
      axes: [axis('x', 'radius in arcsec'), axis('y', 'share')],
      legends: names.legends,
      marks: [
        line('curve', 'radius_arcsec', 'completeness', COLOURS.first),
        line('curve', 'radius_arcsec', 'purity', COLOURS.second, [6, 4]),
        ...marker(radiusArcsec, 'radius', 18),
        ...(advisedRadiusArcsec === undefined ? [] : marker(advisedRadiusArcsec, 'advised', 19)),
      ],
    },
  };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

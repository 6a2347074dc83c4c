import { formatCount } from '@armilla/base';
import { type Evidence, rayleigh, type Trust } from '@armilla/crossmatch';
import {
  axis,
  COLOURS,
  countAxis,
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

const BIN_COUNT = 100;

/** How far the nearest right row is, and what counterparts and chance should give; undefined where no row is within twice the radius. */
export function separationHistogram(
  { nearestArcsec, curve }: Evidence,
  trust: Trust,
  radiusArcsec: number,
): Picture | undefined {
  const rowCount = nearestArcsec.length;
  const most = 2 * radiusArcsec;
  const width = most / BIN_COUNT;
  const counts = new Float64Array(BIN_COUNT);
  for (const one of nearestArcsec) if (one <= most) counts[Math.min(BIN_COUNT - 1, Math.floor(one / width))]++;
  const shownCount = counts.reduce((sum, count) => sum + count, 0);
  if (shownCount === 0) return undefined;
  const { sigmaArcsec = NaN } = trust.rayleigh ?? {};
  const last = curve.counterpart.length - 1;
  /** Share of rows with a counterpart within `radius`, by the law. */
  const counterpart = (radius: number): number =>
    trust.rayleigh ? (curve.counterpart[last] * rayleigh(radius / sigmaArcsec)) / rayleigh(most / sigmaArcsec) : 0;
  const rows = Array.from(counts, (count, bin): number[] => {
    const [from, to] = [bin * width, (bin + 1) * width];
    const [chanceFrom, chanceTo] = [chanceWithin(curve, from), chanceWithin(curve, to)];
    const alone = 1 - (chanceFrom + chanceTo) / 2;
    const byChance = rowCount * (1 - counterpart((from + to) / 2)) * (chanceTo - chanceFrom);
    const byLaw = rowCount * (counterpart(to) - counterpart(from)) * alone;
    return [from, to, count, byLaw, byChance, byLaw + byChance];
  });
  const columns = ['from_arcsec', 'to_arcsec', 'row_count', 'expected_counterparts', 'expected_chance', 'expected'];
  const data: DataTable = { columns, rows };
  const top = 1.1 * Math.max(1, ...rows.map(([, , count, , , both]) => Math.max(count, both)));
  const names = legend([
    { text: 'nearest right rows', colour: COLOURS.quiet },
    ...(trust.rayleigh ? [{ text: 'counterparts (Rayleigh) and chance', colour: COLOURS.first }] : []),
    { text: 'chance alone', colour: COLOURS.second, dash: [6, 4] },
  ]);
  const shown = trust.rayleigh ? ['expected', 'expected_chance'] : ['expected_chance'];
  const law = trust.rayleigh
    ? `A Rayleigh law of sigma ${sigmaArcsec.toPrecision(3)} arcsec and chance pairs are drawn over it.`
    : 'Too few counterparts for a Rayleigh law.';
  return {
    id: 'separations',
    title: 'Separations',
    alternative:
      `Histogram of the separations from ${formatCount(rowCount, 'left row')} to the nearest right rows, up to ${most} arcsec. ${law} ` +
      `${formatCount(shownCount)} of them in that range.`,
    data,
    spec: {
      width: WIDTH,
      height: HEIGHT,
      data: [
        {
          name: 'bins',
          values: valuesOf(data),
          transform: [{ type: 'formula', as: 'middle', expr: '(datum.from_arcsec + datum.to_arcsec) / 2' }],
        },
      ],
      scales: [linear('x', [0, most]), linear('y', [0, top]), ...names.scales],
      axes: [axis('x', 'separation in arcsec'), countAxis('rows of the sample')],
      legends: names.legends,
      marks: [
        bars(),
        ...shown.map((name) =>
          line(
            'bins',
            'middle',
            name,
            name === 'expected' ? COLOURS.first : COLOURS.second,
            name === 'expected' ? [] : [6, 4],
          ),
        ),
        ...marker(radiusArcsec, 'radius', 0),
      ],
    },
  };
}

function bars(): object {
  return {
    type: 'rect',
    from: { data: 'bins' },
    encode: {
      enter: {
        x: { scale: 'x', field: 'from_arcsec' },
        x2: { scale: 'x', field: 'to_arcsec' },
        y: { scale: 'y', field: 'row_count' },
        y2: { scale: 'y', value: 0 },
        fill: { value: COLOURS.quiet },
        fillOpacity: { value: 0.45 },
      },
    },
  };
}

/** Share of rows with an unrelated row within `radius`, between the points of the curve. */
function chanceWithin({ radiusArcsec, chance }: Evidence['curve'], radius: number): number {
  const i = radiusArcsec.findIndex((one) => one >= radius);
  if (i <= 0) return i === 0 ? chance[0] : chance[chance.length - 1];
  const into = (radius - radiusArcsec[i - 1]) / (radiusArcsec[i] - radiusArcsec[i - 1]);
  return chance[i - 1] + into * (chance[i] - chance[i - 1]);
}

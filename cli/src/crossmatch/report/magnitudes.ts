import { formatCount } from '@armilla/base';
import type { Evidence } from '@armilla/crossmatch';
import {
  axis,
  COLOURS,
  countAxis,
  type DataTable,
  HEIGHT,
  legend,
  linear,
  type Picture,
  valuesOf,
  WIDTH,
} from './picture.js';

const BIN_COUNT = 40;
/** Placeholders such as 99 or -9999 are no magnitudes. */
const FAINTEST = 60;
const BRIGHTEST = -30;

/** Left rows with and without a match by magnitude; undefined where the table has none. */
export function magnitudeHistogram({ sample, nearestArcsec }: Evidence, radiusArcsec: number): Picture | undefined {
  const { magnitude } = sample;
  const known = magnitude?.filter((one) => one > BRIGHTEST && one < FAINTEST).sort();
  if (!magnitude || !known || known.length < 2) return undefined;
  // A few outliers should not squeeze all others into one bin.
  const low = Math.floor(known[Math.floor(0.001 * known.length)]);
  const high = Math.max(low + 1, Math.ceil(known[Math.ceil(0.999 * (known.length - 1))]));
  const width = (high - low) / BIN_COUNT;
  const [matched, unmatched] = [new Float64Array(BIN_COUNT), new Float64Array(BIN_COUNT)];
  for (let i = 0; i < magnitude.length; i++) {
    const bin = Math.floor((magnitude[i] - low) / width);
    if (bin >= 0 && bin < BIN_COUNT) (nearestArcsec[i] <= radiusArcsec ? matched : unmatched)[bin]++;
  }
  const rows = Array.from(matched, (count, bin) => [low + bin * width, low + (bin + 1) * width, count, unmatched[bin]]);
  const data: DataTable = { columns: ['from_mag', 'to_mag', 'matched', 'unmatched'], rows };
  const top = 1.1 * Math.max(1, ...matched, ...unmatched);
  const names = legend([
    { text: 'matched', colour: COLOURS.first },
    { text: 'unmatched', colour: COLOURS.second, dash: [6, 4] },
  ]);
  const told = (counts: Float64Array, state: string): string => {
    const rowCount = counts.reduce((sum, count) => sum + count, 0);
    const peak = low + (counts.indexOf(Math.max(...counts)) + 0.5) * width;
    return `${formatCount(rowCount)} ${state}` + (rowCount > 0 ? ` (most at ${peak.toFixed(1)})` : '');
  };
  return {
    id: 'magnitudes',
    title: 'Magnitudes',
    alternative:
      `Histograms of left rows by magnitude, from ${low} to ${high}: ` +
      `${told(matched, 'matched')}, ${told(unmatched, 'unmatched')}.`,
    data,
    spec: {
      width: WIDTH,
      height: HEIGHT,
      // The last step ends where its bin does.
      data: [{ name: 'bins', values: [...valuesOf(data), { ...valuesOf(data).at(-1), from_mag: high }] }],
      scales: [linear('x', [low, high]), linear('y', [0, top]), ...names.scales],
      axes: [axis('x', 'magnitude'), countAxis('rows of the sample')],
      legends: names.legends,
      marks: [steps('matched', COLOURS.first, []), steps('unmatched', COLOURS.second, [6, 4])],
    },
  };
}

function steps(field: string, colour: string, dash: readonly number[]): object {
  return {
    type: 'line',
    from: { data: 'bins' },
    encode: {
      enter: {
        x: { scale: 'x', field: 'from_mag' },
        y: { scale: 'y', field },
        interpolate: { value: 'step-after' },
        stroke: { value: colour },
        strokeWidth: { value: 2 },
        strokeDash: { value: dash },
      },
    },
  };
}

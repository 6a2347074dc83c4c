import type { Profile } from '../../profile.js';
import type { DashboardExtra, MemoryBudget } from '../extra.js';
import { drawing, html, legend, type PageElement, section, svgLine, svgPath, svgText } from './element.js';
import { formatNs, formatSize } from './format.js';
import { linearScale } from './scale.js';

const HEIGHT = 220;
const LEFT = 66;
const BOTTOM = 26;
const MARK = 0.85;
/** More points than pixels show nothing more. */
const POINT_LIMIT = 4000;

/** Counters of memory by device, with 85 % of the budget where it is known. */
export function memoryChart(profile: Profile, width: number, extra: DashboardExtra): PageElement {
  const { tracks } = profile.counters;
  const charts = profile.devices.flatMap((device, index) => {
    const own = tracks.flatMap((track, i) => (track.device === index && track.unit === 'bytes' ? [i] : []));
    const budget = (extra.memory ?? []).find((entry) => entry.device === device);
    return own.length === 0 ? [] : [deviceChart(profile, device, own, budget, width)];
  });
  return section(
    'memory',
    'Memory',
    'Bytes in use and reserved. From the 85 % mark on, residents leave the device and chunks are halved.',
    ...(charts.length > 0 ? charts.flat() : [html('p', {}, 'No memory was counted.')]),
  );
}

function deviceChart(
  profile: Profile,
  device: string,
  own: readonly number[],
  budget: MemoryBudget | undefined,
  width: number,
): PageElement[] {
  const { tracks, track, timeNs, value } = profile.counters;
  const lines = own.map((index) => {
    const points: [number, number][] = [];
    for (let i = 0; i < track.length; i++) if (track[i] === index) points.push([timeNs[i], value[i]]);
    return { name: tracks[index].name, points };
  });
  const all = lines.flatMap(({ points }) => points);
  const firstNs = all.reduce((low, [time]) => Math.min(low, time), Infinity);
  const lastNs = all.reduce((high, [time]) => Math.max(high, time), -Infinity);
  const most = all.reduce((high, [, bytes]) => Math.max(high, bytes), budget?.budgetBytes ?? 0);
  const x = linearScale([0, lastNs - firstNs], [LEFT, width - 8], width < 500 ? 3 : 6);
  // Steps that are round in binary units.
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(most, 1)) / Math.log(1024)));
  const y = linearScale([0, (Math.max(most, 1) * 1.06) / unit], [HEIGHT - BOTTOM, 10], 6);
  const yOf = (bytes: number): number => y(bytes / unit);
  const shapes: PageElement[] = [];
  for (const tick of y.ticks) {
    shapes.push(svgLine(LEFT, y(tick), width - 8, y(tick), 'grid'));
    shapes.push(svgText(LEFT - 8, y(tick) + 4, formatSize(tick * unit), { 'text-anchor': 'end', class: 'tick' }));
  }
  for (const tick of x.ticks) {
    shapes.push(svgText(x(tick), HEIGHT - 8, formatNs(tick), { 'text-anchor': 'middle', class: 'tick' }));
  }
  lines.forEach(({ points }, k) => {
    const stride = Math.ceil(points.length / POINT_LIMIT);
    const steps = points
      .filter((_, i) => i % stride === 0 || i === points.length - 1)
      .flatMap(([time, bytes], i, kept): [number, number][] => [
        [x(time - firstNs), yOf(kept[Math.max(0, i - 1)][1])],
        [x(time - firstNs), yOf(bytes)],
      ]);
    if (steps.length > 0) {
      const base = HEIGHT - BOTTOM;
      shapes.push(svgPath([[steps[0][0], base], ...steps, [steps[steps.length - 1][0], base]], `area h${k % 8}`));
      shapes.push(svgPath(steps, `line s${k % 8}`));
    }
  });
  if (budget !== undefined && budget.budgetBytes > 0) {
    const mark = yOf(MARK * budget.budgetBytes);
    shapes.push(svgLine(LEFT, mark, width - 8, mark, 'mark'));
    const words = `85 % of ${formatSize(budget.budgetBytes)}`;
    shapes.push(svgText(LEFT + 8, mark - 6, words, { class: 'warn halo' }));
  }
  return [
    legend(lines.map(({ name }, k) => ({ name: `${name} · ${device}`, className: `h${k % 8}` }))),
    drawing(width, HEIGHT, `Memory of ${device} over time`, ...shapes),
  ];
}

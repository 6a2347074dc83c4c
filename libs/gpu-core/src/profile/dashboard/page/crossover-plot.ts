import type { CrossoverCurves } from '../extra.js';
import { drawing, html, legend, type PageElement, section, svgLine, svgPath, svgText } from './element.js';
import { formatNs, formatNumber } from './format.js';
import { logScale } from './scale.js';

const HEIGHT = 260;
const LEFT = 62;
const BOTTOM = 40;

/** What the router expects of each backend over the size of an operation. */
export function crossoverPlot(curves: readonly CrossoverCurves[], width: number): PageElement {
  const columns = width > 760 ? 2 : 1;
  const plotWidth = (width - 16 * (columns - 1)) / columns;
  const plots = curves.map((one) =>
    html(
      'div',
      {},
      html('strong', {}, one.op),
      html(
        'span',
        { class: 'soft' },
        one.crossoverSizes.length === 0
          ? ' no crossover'
          : ` crossover at ${one.crossoverSizes.map(formatNumber).join(', ')} ${one.unit}`,
      ),
      legend(one.backends.map(({ name }, i) => ({ name, className: `h${i % 8}` }))),
      plot(one, plotWidth),
    ),
  );
  return section(
    'crossovers',
    'Router crossovers',
    'Time that the router expects, by size; dashed lines are where it changes its choice.',
    plots.length === 0 ? html('p', {}, 'The router gave no curves.') : html('div', { class: 'plots' }, ...plots),
  );
}

function plot(curves: CrossoverCurves, width: number): PageElement {
  const sizes = curves.sizes.filter((size) => size > 0);
  const times = curves.backends.flatMap(({ predictedMs }) =>
    predictedMs.flatMap((ms) => (ms !== null && ms > 0 ? [ms] : [])),
  );
  if (sizes.length === 0 || times.length === 0) return html('p', {}, 'No points.');
  const x = logScale([Math.min(...sizes), Math.max(...sizes)], [LEFT, width - 14], width < 420 ? 4 : 7);
  const y = logScale([Math.min(...times) / 1.5, Math.max(...times) * 1.5], [HEIGHT - BOTTOM, 10], 6);
  const shapes: PageElement[] = [];
  for (const tick of x.ticks) {
    shapes.push(svgLine(x(tick), 10, x(tick), HEIGHT - BOTTOM, 'grid'));
    shapes.push(svgText(x(tick), HEIGHT - BOTTOM + 15, formatNumber(tick), { class: 'tick', 'text-anchor': 'middle' }));
  }
  for (const tick of y.ticks) {
    shapes.push(svgLine(LEFT, y(tick), width - 14, y(tick), 'grid'));
    shapes.push(svgText(LEFT - 6, y(tick) + 4, formatNs(tick * 1e6), { class: 'tick', 'text-anchor': 'end' }));
  }
  curves.backends.forEach(({ predictedMs }, i) => {
    const points = curves.sizes.flatMap((size, k): [number, number][] => {
      const ms = predictedMs[k] ?? 0;
      return size > 0 && ms > 0 ? [[x(size), y(ms)]] : [];
    });
    shapes.push(svgPath(points, `line s${i % 8}`));
  });
  for (const size of curves.crossoverSizes) {
    if (size > 0) shapes.push(svgLine(x(size), 10, x(size), HEIGHT - BOTTOM, 'mark'));
  }
  shapes.push(svgText((LEFT + width) / 2, HEIGHT - 6, curves.unit, { class: 'tick', 'text-anchor': 'middle' }));
  return drawing(width, HEIGHT, `Expected time of ${curves.op} by size`, ...shapes);
}

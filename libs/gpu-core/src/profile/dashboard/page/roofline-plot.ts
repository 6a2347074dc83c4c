import type { Profile } from '../../profile.js';
import { roofAt, type Roofline } from '../../roofline.js';
import { type OpSummary, summarise } from '../../summary.js';
import { drawing, html, type PageElement, section, svg, svgLine, svgPath, svgText } from './element.js';
import { digits, formatNumber, hueOf, shorten } from './format.js';
import { logScale } from './scale.js';

const HEIGHT = 300;
const LEFT = 58;
const BOTTOM = 40;

/** Rates of operations over their intensity, below what the device allows. */
export function rooflinePlot(profile: Profile, width: number, rooflines: readonly Roofline[]): PageElement {
  const rows = summarise(profile, rooflines).filter((row) => row.intensity > 0 && row.gflopPerS > 0);
  const columns = width > 760 ? 2 : 1;
  const plotWidth = (width - 16 * (columns - 1)) / columns;
  const plots = rooflines.map((roof) =>
    html(
      'div',
      {},
      html('strong', {}, roof.device),
      html(
        'span',
        { class: 'soft' },
        ` ${digits(roof.peakGflopPerS)} GFLOP/s, ${digits(roof.peakGbPerS)} GB/s measured`,
      ),
      plot(
        roof,
        rows.filter((row) => row.device === roof.device),
        plotWidth,
      ),
    ),
  );
  return section(
    'roofline',
    'Roofline',
    'What an operation reaches, over how much it computes for each byte; the roof is measured.',
    plots.length === 0 ? html('p', {}, 'No roofline was measured.') : html('div', { class: 'plots' }, ...plots),
  );
}

function plot(roof: Roofline, rows: readonly OpSummary[], width: number): PageElement {
  const ridge = roof.peakGflopPerS / roof.peakGbPerS;
  const intensities = [ridge, ...rows.map((row) => row.intensity)];
  const rates = [roof.peakGflopPerS, ...rows.map((row) => row.gflopPerS)];
  const low = Math.min(...intensities) / 8;
  const high = Math.max(...intensities) * 8;
  const x = logScale([low, high], [LEFT, width - 10], width < 420 ? 4 : 7);
  const leastRate = Math.min(...rates, roofAt(roof, low)) / 2;
  const y = logScale([leastRate, Math.max(...rates) * 2], [HEIGHT - BOTTOM, 10], 6);
  const shapes: PageElement[] = [];
  for (const tick of x.ticks) {
    shapes.push(svgLine(x(tick), 10, x(tick), HEIGHT - BOTTOM, 'grid'));
    shapes.push(svgText(x(tick), HEIGHT - BOTTOM + 15, formatNumber(tick), { class: 'tick', 'text-anchor': 'middle' }));
  }
  for (const tick of y.ticks) {
    shapes.push(svgLine(LEFT, y(tick), width - 10, y(tick), 'grid'));
    shapes.push(svgText(LEFT - 6, y(tick) + 4, formatNumber(tick), { class: 'tick', 'text-anchor': 'end' }));
  }
  const roofLine = [low, ridge, high].map((at): [number, number] => [x(at), y(roofAt(roof, at))]);
  shapes.push(svgPath(roofLine, 'line s0'));
  for (const row of rows) {
    const words = `${row.op}: ${digits(row.gflopPerS)} GFLOP/s at ${digits(row.intensity)} flop/byte, ${digits(row.rooflinePercent)} % of the roof`;
    const [cx, cy] = [x(row.intensity), y(row.gflopPerS)];
    shapes.push(svg('circle', { cx, cy, r: 5, class: `h${hueOf(row.op)}` }, svg('title', {}, words)));
    const leftSide = cx > width - 150;
    const text = `${shorten(row.op, 22)} ${digits(row.rooflinePercent)} %`;
    shapes.push(svgText(cx + (leftSide ? -9 : 9), cy + 4, text, { 'text-anchor': leftSide ? 'end' : 'start' }));
  }
  shapes.push(svgText((LEFT + width) / 2, HEIGHT - 6, 'flop/byte', { class: 'tick', 'text-anchor': 'middle' }));
  shapes.push(svgText(4, 12, 'GFLOP/s', { class: 'tick' }));
  return drawing(width, HEIGHT, `Roofline of ${roof.device}`, ...shapes);
}

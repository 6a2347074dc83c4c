import { compareProfiles, type OpComparison } from '../../compare.js';
import type { Profile } from '../../profile.js';
import { drawing, html, type PageElement, section, svg, svgLine, svgText } from './element.js';
import { digits, formatNs, formatNumber, shorten } from './format.js';
import { linearScale } from './scale.js';

const ROW = 22;
const ROW_LIMIT = 40;
/** Ratios beyond these are drawn at the edge. */
const RATIO_LIMIT = 4;

/** What became slower or faster from the run `before` to `after`. */
export function difference(before: Profile, after: Profile, width: number): PageElement {
  const all = compareProfiles(before, after, { random: seeded(1) });
  const rows = all.slice(0, ROW_LIMIT);
  const head = ['operation', 'median before', 'after', 'ratio', '95 % interval', 'p', 'calls', 'verdict'];
  const body = rows.map((row) =>
    html(
      'tr',
      {},
      ...cellsOf(row).map((text) => html('td', {}, text)),
      html('td', { class: classOf(row) }, row.verdict),
    ),
  );
  const heads = head.map((name) => html('th', { scope: 'col' }, name));
  return section(
    'difference',
    'Difference of two runs',
    `From '${before.label || 'the other run'}' to '${after.label || 'this run'}': ratio of medians with its bootstrap interval, Mann-Whitney test corrected for the number of operations.`,
    rows.length === 0 ? html('p', {}, 'Neither run has ended operations.') : intervals(rows, width),
    html(
      'div',
      { class: 'scroll' },
      html('table', {}, html('thead', {}, html('tr', {}, ...heads)), html('tbody', {}, ...body)),
    ),
    ...(all.length > rows.length
      ? [html('p', { class: 'soft' }, `${all.length - rows.length} more changed less.`)]
      : []),
  );
}

function cellsOf(row: OpComparison): string[] {
  return [
    `${row.op} · ${row.device}`,
    formatNs(row.medianANs),
    formatNs(row.medianBNs),
    digits(row.ratio),
    Number.isNaN(row.ratioLow) ? '–' : `${digits(row.ratioLow)} – ${digits(row.ratioHigh)}`,
    row.pValue < 0.001 ? '< 0.001' : digits(row.pValue),
    `${formatNumber(row.countA)} / ${formatNumber(row.countB)}`,
  ];
}

function classOf({ verdict }: OpComparison): string {
  return verdict === 'slower' ? 'warn' : verdict === 'faster' ? 'good' : '';
}

/** Ratio and interval of each operation on one logarithmic axis around 1. */
function intervals(all: readonly OpComparison[], width: number): PageElement {
  const rows = all.filter((row) => Number.isFinite(row.ratioLow) && row.ratioLow > 0).slice(0, 15);
  const left = Math.min(240, width * 0.4);
  const edge = Math.log2(RATIO_LIMIT);
  const x = linearScale([-edge, edge], [left, width - 14], 4);
  const at = (ratio: number): number => x(Math.max(-edge, Math.min(edge, Math.log2(ratio))));
  const height = rows.length * ROW + 26;
  const shapes: PageElement[] = x.ticks.flatMap((tick) => [
    svgLine(x(tick), 0, x(tick), height - 22, tick === 0 ? 'axis' : 'grid'),
    svgText(x(tick), height - 6, `${digits(2 ** tick)}×`, { class: 'tick', 'text-anchor': 'middle' }),
  ]);
  rows.forEach((row, i) => {
    const y = i * ROW + ROW / 2;
    const hue = row.verdict === 'slower' ? 4 : row.verdict === 'faster' ? 1 : 0;
    shapes.push(svgText(0, y + 4, shorten(`${row.op} · ${row.device}`, Math.floor(left / 7.2))));
    shapes.push(svgLine(at(row.ratioLow), y, at(row.ratioHigh), y, `line s${hue}`));
    const words = `${row.op}: ${digits(row.ratio)} times`;
    shapes.push(svg('circle', { cx: at(row.ratio), cy: y, r: 4.5, class: `h${hue}` }, svg('title', {}, words)));
  });
  return drawing(width, height, 'Ratio of medians of each operation, slower to the right', ...shapes);
}

/** Uniform in [0, 1): xorshift32 (Marsaglia 2003), so that a page shows the same figures each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

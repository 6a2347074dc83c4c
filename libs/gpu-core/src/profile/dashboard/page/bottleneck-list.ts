import { bottlenecks } from '../../bottlenecks.js';
import type { Profile } from '../../profile.js';
import { drawing, html, type PageElement, section, svgRect, svgText } from './element.js';
import { formatNs, formatNumber, formatPercent, hueOf, shorten } from './format.js';

const ROW = 34;

/** The operations with the most time of their own. */
export function bottleneckList(profile: Profile, width: number): PageElement {
  const rows = bottlenecks(profile);
  const most = Math.max(rows[0]?.selfNs ?? 0, 1);
  const shapes = rows.flatMap((row, i) => {
    const y = i * ROW;
    const words = `${formatNs(row.selfNs)} · ${formatPercent(row.share)} · ${formatNumber(row.count)} calls`;
    return [
      svgText(0, y + 12, shorten(`${row.op} · ${row.device}`, Math.floor((width - 210) / 7))),
      svgText(width, y + 12, words, { 'text-anchor': 'end', class: 'tick' }),
      svgRect([0, y + 17, (row.selfNs / most) * width, 8], `h${hueOf(row.op)}`, `${row.op} on ${row.device}: ${words}`),
    ];
  });
  return section(
    'bottlenecks',
    'Bottlenecks',
    'Self time: in which an operation ran and nothing inside it did. Over the spans that the ring holds.',
    rows.length === 0
      ? html('p', {}, 'Nothing is recorded.')
      : drawing(width, rows.length * ROW, 'Operations by self time', ...shapes),
  );
}

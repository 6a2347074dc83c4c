import type { Profile } from '../../profile.js';
import { PARTS } from '../../record.js';
import { summarise } from '../../summary.js';
import { drawing, html, legend, type PageElement, section, svgRect, svgText } from './element.js';
import { formatNs, formatPercent, shorten } from './format.js';

const ROW = 38;
const OP_LIMIT = 12;

/** Where the time of each operation went: a bar each, all of one length. */
export function timeSplit(profile: Profile, width: number): PageElement {
  const rows = summarise(profile).slice(0, OP_LIMIT);
  const shapes = rows.flatMap((row, i) => {
    const y = i * ROW;
    const known = PARTS.map((name) => ({ name, ns: row[`${name}Ns`] }));
    const knownNs = known.reduce((sum, part) => sum + part.ns, 0);
    const parts: { name: string; className: string; ns: number }[] =
      knownNs > 0
        ? known.map((part) => ({ ...part, className: part.name }))
        : [{ name: 'not split', className: 'other', ns: row.totalNs }];
    const allNs = Math.max(knownNs, knownNs > 0 ? 0 : row.totalNs, 1);
    let x = 0;
    const bars = parts.flatMap(({ name, className, ns }) => {
      const length = (ns / allNs) * width;
      const words = `${row.op} on ${row.device}: ${name} ${formatNs(ns)}, ${formatPercent(ns / allNs)}`;
      const shapes = [svgRect([x, y + 17, length, 14], className, words)];
      if (length > 46)
        shapes.push(
          svgText(x + 5, y + 28, formatPercent(ns / allNs), { class: className === 'other' ? 'inside dim' : 'inside' }),
        );
      x += length;
      return shapes;
    });
    const label = shorten(`${row.op} · ${row.device}`, Math.floor((width - 90) / 7));
    return [
      svgText(0, y + 12, label),
      svgText(width, y + 12, formatNs(row.totalNs), { 'text-anchor': 'end', class: 'tick' }),
      ...bars,
    ];
  });
  return section(
    'split',
    'Time split',
    'Queue, upload, kernel, readback and overhead of each operation, over all its calls.',
    legend([...PARTS.map((name) => ({ name, className: name })), { name: 'not split', className: 'other' }]),
    rows.length === 0
      ? html('p', {}, 'No operation has ended yet.')
      : drawing(width, rows.length * ROW, 'Shares of the time of each operation', ...shapes),
  );
}

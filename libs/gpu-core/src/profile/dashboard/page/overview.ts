import { adviseOn } from '../../advice.js';
import { overlaps } from '../../overlap.js';
import type { Profile } from '../../profile.js';
import { timeRange } from '../../stacks.js';
import type { DashboardExtra } from '../extra.js';
import { html, type PageElement, section } from './element.js';
import { formatNs, formatNumber, formatPercent } from './format.js';

/** The run in a few figures, and what they suggest. */
export function overview(profile: Profile, extra: DashboardExtra): PageElement {
  const [firstNs, lastNs] = timeRange(profile);
  const ended = profile.totals.reduce((sum, row) => sum + row.count, 0);
  const open = profile.spans.endNs.reduce((sum, end) => sum + (Number.isNaN(end) ? 1 : 0), 0);
  const facts: [string, string][] = [
    ['operations ended', formatNumber(ended)],
    ['held in the ring', formatNumber(profile.spans.id.length - open)],
    ['still open', formatNumber(open)],
    ['time shown', formatNs(lastNs - firstNs)],
    ...overlaps(profile).map(({ device, share }): [string, string] => [
      `of transfers beside kernels, ${device}`,
      formatPercent(share),
    ]),
  ];
  if (profile.droppedCount > 0) facts.push(['not recorded', formatNumber(profile.droppedCount)]);
  const crossovers = (extra.crossovers ?? []).flatMap(({ op, crossoverSizes, earlierSizes = [] }) =>
    // Where a border came or went there is nothing to compare.
    crossoverSizes.length === earlierSizes.length
      ? crossoverSizes.map((nowSize, i) => ({ op, nowSize, beforeSize: earlierSizes[i] }))
      : [],
  );
  const advice = adviseOn(profile, { rooflines: extra.rooflines, memory: extra.memory, crossovers });
  const boxes = facts.map(([name, value]) =>
    html('div', {}, html('strong', {}, value), html('span', { class: 'soft' }, name)),
  );
  return section(
    'overview',
    'Overview',
    new Date(profile.originEpochMs + profile.capturedNs / 1e6).toISOString().replace('T', ' ').slice(0, 19) + ' UTC',
    html('div', { class: 'facts' }, ...boxes),
    ...(advice.length === 0
      ? []
      : [html('ul', { class: 'advice' }, ...advice.slice(0, 12).map(({ text }) => html('li', {}, text)))]),
  );
}

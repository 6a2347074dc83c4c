import type { Profile } from '../../profile.js';
import type { Roofline } from '../../roofline.js';
import { type OpSummary, summarise } from '../../summary.js';
import { html, type PageElement, section } from './element.js';
import { digits, formatNs, formatNumber } from './format.js';

interface Column {
  readonly name: string;
  readonly text: (row: OpSummary) => string;
  readonly order: (row: OpSummary) => number | string;
}

const duration = (name: string, of: (row: OpSummary) => number): Column => ({
  name,
  text: (row) => formatNs(of(row)),
  order: of,
});

const COLUMNS: readonly Column[] = [
  { name: 'operation', text: (row) => `${row.op} · ${row.device}`, order: (row) => row.op },
  { name: 'count', text: (row) => formatNumber(row.count), order: (row) => row.count },
  duration('total', (row) => row.totalNs),
  duration('mean', (row) => row.meanNs),
  duration('std', (row) => row.stdNs),
  duration('min', (row) => row.minNs),
  duration('p50', (row) => row.p50Ns),
  duration('p95', (row) => row.p95Ns),
  duration('p99', (row) => row.p99Ns),
  duration('max', (row) => row.maxNs),
  { name: 'GB/s', text: (row) => digits(row.gbPerS), order: (row) => row.gbPerS },
  { name: 'GFLOP/s', text: (row) => digits(row.gflopPerS), order: (row) => row.gflopPerS },
  { name: '% of roof', text: (row) => digits(row.rooflinePercent), order: (row) => row.rooflinePercent },
];

/** All operations; a press on the head of a column sorts by it. */
export function summaryTable(profile: Profile, rooflines: readonly Roofline[]): PageElement {
  const rows = summarise(profile, rooflines);
  const body = html('tbody');
  const heads: PageElement[] = COLUMNS.map((column, i) => {
    const button = html('button', { type: 'button' }, column.name);
    button.addEventListener('click', () => sort(i));
    return html('th', { scope: 'col' }, button);
  });
  let sortedBy = -1;
  let descending = true;
  const sort = (by: number): void => {
    descending = by === sortedBy ? !descending : by !== 0;
    sortedBy = by;
    heads.forEach((head, i) => {
      if (i === by) head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    const { order } = COLUMNS[by];
    const sorted = [...rows].sort((a, b) => compare(order(a), order(b)) * (descending ? -1 : 1));
    body.replaceChildren(
      ...sorted.map((row) => html('tr', {}, ...COLUMNS.map((column) => html('td', {}, column.text(row))))),
    );
  };
  sort(2);
  return section(
    'summary',
    'Summary',
    'Counts, sums, mean, deviation and extremes over all calls; percentiles over those that the ring holds.',
    html('div', { class: 'scroll' }, html('table', {}, html('thead', {}, html('tr', {}, ...heads)), body)),
  );
}

/** What is unknown is least. */
function compare(a: number | string, b: number | string): number {
  if (typeof a === 'string' || typeof b === 'string') return String(a) < String(b) ? -1 : 1;
  return (Number.isNaN(a) ? -Infinity : a) < (Number.isNaN(b) ? -Infinity : b) ? -1 : 1;
}

import { endNs, type Profile } from '../../profile.js';
import { layRows } from '../../rows.js';
import { timeRange } from '../../stacks.js';
import { html, page, type PageElement, type PageEvent, section, svg, svgLine, svgRect, svgText } from './element.js';
import { formatNs, formatSize, hueOf, shorten } from './format.js';
import { linearScale } from './scale.js';

const ROW = 18;
const TOP = 22;
const HEAD = 20;
/** Rows beyond these are not drawn; the flame graph has their time. */
const ROW_LIMIT = 24;

interface Lane {
  readonly name: string;
  readonly spans: readonly { readonly index: number; readonly startNs: number; readonly endNs: number }[];
  readonly rows: Int32Array;
  readonly rowCount: number;
}

/** What ran when, a band a device: +, - and the arrows zoom and move. */
export function timeline(profile: Profile, width: number): PageElement {
  const range = timeRange(profile);
  const lanes = lanesOf(profile);
  const height = lanes.reduce((sum, lane) => sum + HEAD + lane.rowCount * ROW + 6, TOP);
  const graph = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    height,
    tabindex: 0,
    role: 'img',
    'aria-label': 'Timeline of spans. Plus and minus zoom, the arrow keys move, 0 shows all.',
  });
  const output = html('output', { 'aria-live': 'polite' });
  let [low, high] = range;
  const draw = (): void => {
    graph.replaceChildren(...shapesOf(profile, lanes, [low, high], range[0], width, height));
    output.textContent = `${formatNs(low - range[0])} to ${formatNs(high - range[0])} of ${formatNs(range[1] - range[0])}`;
  };
  const show = (from: number, to: number): void => {
    const span = Math.min(Math.max(to - from, 10), Math.max(range[1] - range[0], 10));
    low = Math.min(Math.max(from, range[0]), Math.max(range[0], range[1] - span));
    high = low + span;
    page.requestAnimationFrame(draw);
  };
  const zoom = (factor: number): void => {
    const middle = (low + high) / 2;
    const half = ((high - low) / 2) * factor;
    show(middle - half, middle + half);
  };
  const move = (share: number): void => show(low + share * (high - low), high + share * (high - low));
  const actions: Record<string, () => void> = {
    '+': () => zoom(0.5),
    '=': () => zoom(0.5),
    '-': () => zoom(2),
    '0': () => show(...range),
    Home: () => show(range[0], range[0] + high - low),
    End: () => show(range[1] - (high - low), range[1]),
    ArrowLeft: () => move(-0.25),
    ArrowRight: () => move(0.25),
  };
  graph.addEventListener('keydown', (event: PageEvent) => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  const button = (text: string, label: string, action: () => void): PageElement => {
    const element = html('button', { type: 'button', 'aria-label': label }, text);
    element.addEventListener('click', action);
    return element;
  };
  draw();
  return section(
    'timeline',
    'Timeline',
    'Each device with its lanes; what overlaps or lies inside another span has a row of its own. Gray: spans that are too short to be drawn one by one.',
    html(
      'div',
      { class: 'controls zoom' },
      button('+', 'zoom in', () => zoom(0.5)),
      button('−', 'zoom out', () => zoom(2)),
      button('←', 'earlier', () => move(-0.25)),
      button('→', 'later', () => move(0.25)),
      button('all', 'show all', () => show(...range)),
    ),
    graph,
    output,
  );
}

function lanesOf(profile: Profile): Lane[] {
  const { device, lane, startNs } = profile.spans;
  const groups = new Map<string, { name: string; spans: { index: number; startNs: number; endNs: number }[] }>();
  for (let i = 0; i < device.length; i++) {
    const key = `${String(device[i]).padStart(6, '0')}/${String(lane[i]).padStart(6, '0')}`;
    const name = `${profile.devices[device[i]]}${lane[i] === 0 ? '' : ` · lane ${lane[i]}`}`;
    const group = groups.get(key) ?? { name, spans: [] };
    group.spans.push({ index: i, startNs: startNs[i], endNs: endNs(profile, i) });
    groups.set(key, group);
  }
  return [...groups.keys()].sort().map((key) => {
    const { name, spans } = groups.get(key) as { name: string; spans: Lane['spans'] };
    const rows = layRows(spans, false);
    const rowCount = Math.min(ROW_LIMIT, rows.reduce((most, row) => Math.max(most, row), 0) + 1);
    return { name, spans, rows, rowCount };
  });
}

function shapesOf(
  profile: Profile,
  lanes: readonly Lane[],
  [low, high]: readonly [number, number],
  originNs: number,
  width: number,
  height: number,
): PageElement[] {
  const x = linearScale([low - originNs, high - originNs], [0, width], width < 500 ? 3 : 8);
  const shapes: PageElement[] = [];
  for (const tick of x.ticks) {
    shapes.push(svgLine(x(tick), TOP - 4, x(tick), height, 'grid'));
    const anchor = x(tick) < 20 ? 'start' : x(tick) > width - 30 ? 'end' : 'middle';
    shapes.push(svgText(x(tick), 12, formatNs(tick), { class: 'tick', 'text-anchor': anchor }));
  }
  let y = TOP;
  for (const lane of lanes) {
    shapes.push(svgText(0, y + 13, shorten(lane.name, Math.floor(width / 8))));
    y += HEAD;
    shapes.push(...bandOf(profile, lane, x, [low, high], originNs, y, width));
    y += lane.rowCount * ROW + 6;
  }
  return shapes;
}

/** Spans narrower than a pixel are joined to gray blocks: any number of them can be drawn. */
function bandOf(
  profile: Profile,
  lane: Lane,
  x: (value: number) => number,
  [low, high]: readonly [number, number],
  originNs: number,
  top: number,
  width: number,
): PageElement[] {
  const shapes: PageElement[] = [];
  const blocks = new Map<number, [left: number, right: number]>();
  const flush = (row: number): void => {
    const block = blocks.get(row);
    if (block !== undefined) {
      shapes.push(svgRect([block[0], top + row * ROW, Math.max(1, block[1] - block[0]), ROW - 2], 'other'));
    }
    blocks.delete(row);
  };
  lane.spans.forEach((span, k) => {
    const row = lane.rows[k];
    if (row < 0 || row >= lane.rowCount || span.endNs < low || span.startNs > high) return;
    const left = Math.max(0, x(span.startNs - originNs));
    const right = Math.min(width, x(span.endNs - originNs));
    if (right - left < 1) {
      const block = blocks.get(row);
      if (block !== undefined && left - block[1] < 1) block[1] = Math.max(block[1], right);
      else {
        flush(row);
        blocks.set(row, [left, right]);
      }
      return;
    }
    const name = profile.ops[profile.spans.op[span.index]];
    shapes.push(
      svgRect([left, top + row * ROW, right - left, ROW - 2], `h${hueOf(name)}`, titleOf(profile, span.index)),
    );
    if (right - left > 30) {
      const text = shorten(name, Math.floor((right - left - 8) / 6.2));
      shapes.push(svgText(left + 4, top + row * ROW + 12, text, { class: 'inside' }));
    }
  });
  for (const row of [...blocks.keys()]) flush(row);
  return shapes;
}

function titleOf(profile: Profile, i: number): string {
  const { spans } = profile;
  const parts = (['queue', 'upload', 'kernel', 'readback', 'overhead'] as const)
    .filter((part) => spans[`${part}Ns`][i] > 0)
    .map((part) => `${part} ${formatNs(spans[`${part}Ns`][i])}`);
  if (spans.bytes[i] > 0) parts.push(formatSize(spans.bytes[i]));
  if (spans.decision[i] >= 0) parts.push(`decision ${spans.decision[i]}`);
  const open = Number.isNaN(spans.endNs[i]) ? ' (still open)' : '';
  const duration = formatNs(endNs(profile, i) - spans.startNs[i]);
  return [`${profile.ops[spans.op[i]]}: ${duration}${open}`, ...parts].join('\n');
}

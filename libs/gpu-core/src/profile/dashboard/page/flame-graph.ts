import type { Profile } from '../../profile.js';
import { type StackNode, stacksOf } from '../../stacks.js';
import { html, type PageElement, type PageEvent, section, svg, svgRect, svgText } from './element.js';
import { formatNs, formatNumber, formatPercent, hueOf, shorten } from './format.js';

const ROW = 20;
const DEPTH_LIMIT = 40;
/** Narrower nodes are left out. */
const LEAST_WIDTH = 0.5;

interface Box {
  readonly node: StackNode;
  readonly depth: number;
  readonly x: number;
  readonly width: number;
}

/** Time by call path. One stop of the tab key; arrows go to neighbours, Enter shows a node alone, Escape all. */
export function flameGraph(profile: Profile, width: number): PageElement {
  const { roots } = stacksOf(profile);
  const all: StackNode = {
    op: 'all',
    device: '',
    selfNs: 0,
    totalNs: roots.reduce((sum, node) => sum + node.totalNs, 0),
    count: 0,
    parent: undefined,
    children: [...roots],
  };
  const depth = depthOf(all);
  const graph = svg('svg', {
    viewBox: `0 0 ${width} ${depth * ROW}`,
    height: depth * ROW,
    tabindex: 0,
    role: 'img',
    'aria-label': 'Flame graph. Arrow keys choose a node, Enter shows it alone, Escape shows all.',
  });
  const output = html('output', { 'aria-live': 'polite' });
  let top = all;
  let boxes: Box[] = [];
  let chosen: StackNode = all;
  const draw = (): void => {
    boxes = layOut(top, width);
    graph.replaceChildren(...boxes.flatMap((box) => shapesOf(box, box.node === chosen)));
    output.textContent = wordsOf(chosen, all);
  };
  const shapesOf = ({ node, depth, x, width: w }: Box, isChosen: boolean): PageElement[] => {
    const className = `${node === all ? 'other' : `h${hueOf(node.op)}`}${isChosen ? ' chosen' : ''}`;
    const rect = svgRect([x, depth * ROW, Math.max(0.5, w - 0.6), ROW - 1.5], className, wordsOf(node, all));
    rect.addEventListener('click', () => show(node));
    const text =
      w > 30
        ? [
            svgText(x + 4, depth * ROW + 13, shorten(nameOf(node), Math.floor((w - 8) / 6.2)), {
              class: node === all ? 'inside dim' : 'inside',
            }),
          ]
        : [];
    return [rect, ...text];
  };
  const show = (node: StackNode): void => {
    top = node;
    chosen = node;
    draw();
  };
  const choose = (node: StackNode | undefined): void => {
    if (node === undefined || !boxes.some((box) => box.node === node)) return;
    chosen = node;
    draw();
  };
  const beside = (step: number): StackNode | undefined => {
    const at = boxes.find((box) => box.node === chosen);
    const level = boxes.filter((box) => box.depth === at?.depth);
    return level[level.findIndex((box) => box.node === chosen) + step]?.node;
  };
  const actions: Record<string, () => void> = {
    ArrowDown: () => choose([...chosen.children].sort((a, b) => b.totalNs - a.totalNs)[0]),
    ArrowUp: () => choose(chosen === all ? undefined : (chosen.parent ?? all)),
    ArrowLeft: () => choose(beside(-1)),
    ArrowRight: () => choose(beside(1)),
    Enter: () => show(chosen),
    Escape: () => show(all),
  };
  graph.addEventListener('keydown', (event: PageEvent) => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  const reset = html('button', { type: 'button' }, 'show all');
  reset.addEventListener('click', () => show(all));
  draw();
  return section(
    'flame',
    'Flame graph',
    'Self time by call path, callers above what they call. A press on a node shows it alone.',
    html('div', { class: 'controls zoom' }, reset),
    graph,
    output,
  );
}

/** Boxes of a node's tree, its callers drawn over the whole width above it. */
function layOut(top: StackNode, width: number): Box[] {
  const boxes: Box[] = [];
  const queue: Box[] = [{ node: top, depth: 0, x: 0, width }];
  for (let box = queue.pop(); box !== undefined; box = queue.pop()) {
    boxes.push(box);
    if (box.depth + 1 >= DEPTH_LIMIT) continue;
    let { x } = box;
    for (const node of [...box.node.children].sort((a, b) => b.totalNs - a.totalNs)) {
      const share = box.node.totalNs > 0 ? node.totalNs / box.node.totalNs : 0;
      if (share * box.width >= LEAST_WIDTH) queue.push({ node, depth: box.depth + 1, x, width: share * box.width });
      x += share * box.width;
    }
  }
  return boxes.sort((a, b) => a.depth - b.depth || a.x - b.x);
}

function depthOf(top: StackNode): number {
  let level: readonly StackNode[] = [top];
  let depth = 0;
  for (; level.length > 0 && depth < DEPTH_LIMIT; depth++) level = level.flatMap((node) => node.children);
  return depth;
}

function nameOf(node: StackNode): string {
  return node.device === '' ? node.op : `${node.op} · ${node.device}`;
}

function wordsOf(node: StackNode, all: StackNode): string {
  const share = formatPercent(node.totalNs / all.totalNs);
  const own = node === all ? '' : `, ${formatNs(node.selfNs)} of its own, ${formatNumber(node.count)} calls`;
  return `${nameOf(node)}: ${formatNs(node.totalNs)} (${share})${own}`;
}

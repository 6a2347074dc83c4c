import type { Profile } from '../../profile.js';
import { profileOfData } from '../../profile-data.js';
import type { DashboardData } from '../extra.js';
import { bottleneckList } from './bottleneck-list.js';
import { crossoverPlot } from './crossover-plot.js';
import { difference } from './difference.js';
import { html, page, type PageElement } from './element.js';
import { flameGraph } from './flame-graph.js';
import { memoryChart } from './memory-chart.js';
import { overview } from './overview.js';
import { rooflinePlot } from './roofline-plot.js';
import { summaryTable } from './summary-table.js';
import { timeSplit } from './time-split.js';
import { timeline } from './timeline.js';

const root = page.document.getElementById('page') as PageElement;
const { profiles: given, extra } = JSON.parse(page.document.getElementById('data')?.textContent ?? '') as DashboardData;
const runs: Profile[] = [];
const faults: string[] = [];
let shown = 0;
/** The run before, or -1. */
let compared = -1;

for (const [i, data] of given.entries()) addRun(data, `profile ${i + 1}`);
if (runs.length > 1) compared = 1;
draw();

let drawnWidth = root.clientWidth;
page.addEventListener('resize', () => {
  if (root.clientWidth === drawnWidth) return;
  drawnWidth = root.clientWidth;
  page.requestAnimationFrame(draw);
});

function addRun(data: unknown, where: string): void {
  const read = profileOfData(data);
  if ('fault' in read) faults.push(`${where}: not a profile that can be read: ${read.fault}`);
  else runs.push(read.profile);
}

async function open(files: ArrayLike<{ name: string; text(): Promise<string> }>): Promise<void> {
  faults.length = 0;
  const before = runs.length;
  for (const file of Array.from(files)) {
    try {
      addRun(JSON.parse(await file.text()), file.name);
    } catch (error) {
      faults.push(`${file.name}: ${(error as Error).message}`);
    }
  }
  if (runs.length > before) {
    if (before > 0) compared = shown;
    shown = runs.length - 1;
  }
  draw();
}

function draw(): void {
  const profile = runs[shown];
  const sections: PageElement[] = [];
  if (profile !== undefined) {
    // Less the padding and border of a section.
    const width = Math.max(280, root.clientWidth - (root.clientWidth > 620 ? 80 : 48));
    const rooflines = extra.rooflines ?? [];
    sections.push(
      overview(profile, extra),
      timeSplit(profile, width),
      summaryTable(profile, rooflines),
      bottleneckList(profile, width),
      memoryChart(profile, width, extra),
      timeline(profile, width),
      flameGraph(profile, width),
      rooflinePlot(profile, width, rooflines),
      crossoverPlot(extra.crossovers ?? [], width),
    );
    if (runs[compared] !== undefined) sections.push(difference(runs[compared], profile, width));
  }
  const messages = faults.map((text) => html('p', { class: 'warn', role: 'alert' }, text));
  root.replaceChildren(header(profile), ...messages, ...sections);
  page.document.title = `${profile?.label || 'Armilla'} · profile`;
}

function header(profile: Profile | undefined): PageElement {
  const input = html('input', { type: 'file', accept: '.json,application/json', multiple: '' });
  input.addEventListener('change', () => void open(input.files ?? []));
  const controls = [html('label', {}, 'open', input)];
  if (runs.length > 1) {
    const names = runs.map((run, i) => `${i + 1} · ${run.label || 'unnamed'}`);
    controls.unshift(
      chooser('run', names, shown, (value) => (shown = value)),
      chooser('compare with', ['nothing', ...names], compared + 1, (value) => (compared = value - 1)),
    );
  }
  return html(
    'header',
    {},
    html(
      'div',
      {},
      html('h1', {}, profile?.label || 'Armilla profile'),
      html('p', { class: 'soft' }, profile?.machine || (profile === undefined ? 'Open a profile.' : '')),
    ),
    html('div', { class: 'controls' }, ...controls),
  );
}

function chooser(label: string, names: readonly string[], value: number, choose: (value: number) => void): PageElement {
  const options = names.map((name, i) => {
    const option = html('option', { value: i }, name);
    if (i === value) option.setAttribute('selected', '');
    return option;
  });
  const select = html('select', {}, ...options);
  select.addEventListener('change', () => {
    choose(Number(select.value));
    draw();
  });
  return html('label', {}, label, select);
}

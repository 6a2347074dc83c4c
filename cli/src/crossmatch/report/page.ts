import { formatCount } from '@armilla/base';
import type { MatchSummary, Trust } from '@armilla/crossmatch';
import type { MatchTask } from '../flags.js';
import { summaryText } from '../summary-text.js';
import { trustLines } from '../trust-text.js';
import { csvOf, type Picture } from './picture.js';
import { STYLES } from './styles.js';

export interface DrawnPicture extends Picture {
  readonly svg: string;
}

export interface PageContent {
  readonly task: MatchTask;
  readonly summary: MatchSummary;
  readonly trust: Trust;
  readonly pictures: readonly DrawnPicture[];
}

/** The whole page. It loads nothing and runs nothing, and its policy forbids both: names in it come from files. */
export function pageHtml({ task, summary, trust, pictures }: PageContent): string {
  const title = `${task.left} matched with ${task.right ?? 'itself'}`;
  const { options } = task;
  const asked: (readonly [string, string])[] = [
    ['left table', `${task.left}: ${formatCount(summary.left.rowCount, 'row')}`],
    ['right table', `${task.right ?? task.left}: ${formatCount(summary.right.rowCount, 'row')}`],
    [
      'position columns',
      `${summary.left.columns.ra}, ${summary.left.columns.dec} and ${summary.right.columns.ra}, ${summary.right.columns.dec}`,
    ],
    ['radius', `${options.radiusArcsec} arcsec`],
    ['find, join', `${options.find ?? 'nearest'}, ${options.join ?? 'inner'}`],
    ['result', `${formatCount(summary.rowCount, 'row')}, ${formatCount(summary.pairCount, 'pair')}`],
  ];
  const { trust: _trust, ...counts } = summary;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLES}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${table('What was matched', asked)}
<h2>Can it be trusted?</h2>
${notes([...summary.warnings, ...trust.notes])}
${table('Numbers measured on a sample of the left table', trustLines(trust))}
${pictures.map(figure).join('\n')}
<h2>Summary</h2>
<pre class="wrapped" tabindex="0">${escapeHtml(summaryText(task, counts))}</pre>
</main>
</body>
</html>
`;
}

/** Text that cannot become markup, in elements and in attributes; control characters are shown as spaces. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ')
    .replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function table(caption: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([name, text]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`,
  );
  return `<table><caption>${escapeHtml(caption)}</caption><tbody>\n${lines.join('\n')}\n</tbody></table>`;
}

function notes(lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`;
}

/** The picture is one image to a screen reader, which reads its alternative; the numbers follow. */
function figure(picture: DrawnPicture): string {
  const { id, title, alternative, data, svg } = picture;
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeHtml(title)}</h2>
<figure>
<div role="img" aria-label="${escapeHtml(alternative)}">${svg}</div>
<figcaption>${escapeHtml(alternative)}</figcaption>
</figure>
<details><summary>Data of this picture as CSV, ${formatCount(data.rows.length, 'row')}</summary>
<pre tabindex="0">${escapeHtml(csvOf(data))}</pre></details>
</section>`;
}

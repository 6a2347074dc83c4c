const BODY = Buffer.from('<body>');
/** Intervals that the page offers, s. */
const OFFERED = [5, 30];

/**
 * The page with a row of links at its top that load it again, now or from time to time: links need no script, so that the
 * page's own policy stays as it is. `current`: seconds after which it is loaded again.
 */
export async function* withRefreshControl(
  parts: AsyncIterable<readonly Uint8Array[]>,
  current: number | undefined,
): AsyncGenerator<readonly Uint8Array[]> {
  // Until the body begins, as one: it may be cut anywhere.
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const group of parts) {
    if (head === undefined) {
      yield group;
      continue;
    }
    head = Buffer.concat([head, ...group]);
    const at = head.indexOf(BODY);
    if (at < 0) continue;
    const end = at + BODY.length;
    yield [head.subarray(0, end), Buffer.from(controlHtml(current)), head.subarray(end)];
    head = undefined;
  }
  if (head !== undefined) yield [head];
}

function controlHtml(current: number | undefined): string {
  const seconds = [...new Set([...OFFERED, ...(current === undefined ? [] : [current])])].sort((a, b) => a - b);
  const links = [
    `<a href="/dashboard${current === undefined ? '' : `?refresh=${current}`}">Load again</a>`,
    ...seconds.map((one) =>
      one === current
        ? `<strong aria-current="true">every ${one} s</strong>`
        : `<a href="/dashboard?refresh=${one}">every ${one} s</a>`,
    ),
    ...(current === undefined ? [] : ['<a href="/dashboard">stop</a>']),
  ];
  return `\n<nav id="live" aria-label="Load again">${links.join(' · ')}</nav>`;
}

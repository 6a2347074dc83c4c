/** The part of the browser's document that the page uses: its types would hide Node's in the rest of this library. */
export interface PageElement {
  textContent: string | null;
  readonly clientWidth: number;
  value: string;
  readonly files: ArrayLike<PageFile> | null;
  append(...children: (PageElement | string)[]): void;
  replaceChildren(...children: (PageElement | string)[]): void;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  addEventListener(type: string, listener: (event: PageEvent) => void): void;
  focus(): void;
}

export interface PageFile {
  readonly name: string;
  text(): Promise<string>;
}

export interface PageEvent {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  preventDefault(): void;
}

export interface PageWindow {
  readonly document: {
    title: string;
    getElementById(id: string): PageElement | null;
    createElement(tag: string): PageElement;
    createElementNS(space: string, tag: string): PageElement;
  };
  addEventListener(type: string, listener: () => void): void;
  requestAnimationFrame(draw: () => void): number;
}

export const page = globalThis as unknown as PageWindow;

type Attributes = Readonly<Record<string, string | number>>;
type Child = PageElement | string;

/** Text becomes text, never markup: names come from foreign files. */
export function html(tag: string, attributes: Attributes = {}, ...children: Child[]): PageElement {
  return filled(page.document.createElement(tag), attributes, children);
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): PageElement {
  return filled(page.document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/** A drawing of a size in pixels, with what it shows in words. */
export function drawing(width: number, height: number, words: string, ...children: Child[]): PageElement {
  const attributes = { viewBox: `0 0 ${width} ${height}`, height, role: 'img', 'aria-label': words };
  return svg('svg', attributes, ...children);
}

export function svgText(x: number, y: number, text: string, attributes: Attributes = {}): PageElement {
  return svg('text', { x: round(x), y: round(y), ...attributes }, text);
}

export function svgRect(
  [x, y, width, height]: readonly [number, number, number, number],
  className: string,
  title?: string,
): PageElement {
  const attributes = { x: round(x), y: round(y), width: round(Math.max(0, width)), height, class: className };
  return svg('rect', attributes, ...(title === undefined ? [] : [svg('title', {}, title)]));
}

export function svgLine(x1: number, y1: number, x2: number, y2: number, className: string): PageElement {
  return svg('line', { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), class: className });
}

export function svgPath(points: readonly (readonly [number, number])[], className: string): PageElement {
  const d = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');
  return svg('path', { d, class: className });
}

/** A part of the page, with its heading and a sentence on what it shows. */
export function section(id: string, title: string, words: string, ...children: Child[]): PageElement {
  const heading = html('h2', { id: `${id}-title` }, title);
  const explanation = html('p', { class: 'soft' }, words);
  return html('section', { id, 'aria-labelledby': `${id}-title` }, heading, explanation, ...children);
}

export function legend(entries: readonly { readonly name: string; readonly className: string }[]): PageElement {
  const items = entries.map(({ name, className }) => {
    const swatch = svg('svg', { viewBox: '0 0 12 12', 'aria-hidden': 'true' }, svgRect([0, 0, 12, 12], className));
    return html('span', {}, swatch, name);
  });
  return html('div', { class: 'legend' }, ...items);
}

function filled(element: PageElement, attributes: Attributes, children: readonly Child[]): PageElement {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

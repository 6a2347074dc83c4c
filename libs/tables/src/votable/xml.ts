import type { Problem } from '@armilla/base';

/** A piece of an XML document. A text may come in several pieces. */
export type XmlToken =
  | { readonly kind: 'start'; readonly name: string; readonly attributes: string; readonly empty: boolean }
  | { readonly kind: 'end'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string };

/** Bytes of one tag or comment, and of what has to be held until its end comes. */
const MAX_TAG_CHARS = 2 ** 22;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
/** What holds no tags, by its ends. */
const SKIPPED: readonly [open: string, close: string][] = [
  ['<!--', '-->'],
  ['<?', '?>'],
];
const CDATA = '<![CDATA[';

/**
 * Cuts a document into tokens as it comes; names without their prefix. Entities are the five of XML and characters by number: a
 * document type that defines more is refused, so that nothing is fetched and nothing grows. Does not check that tags are closed in order.
 */
export class XmlTokens {
  #held = '';

  constructor(private readonly invalid: (detail: string) => Problem) {}

  *push(text: string, last: boolean): Generator<XmlToken, void, undefined> {
    const all = this.#held === '' ? text : this.#held + text;
    let at = 0;
    while (at < all.length) {
      const open = all.indexOf('<', at);
      if (open !== at) {
        const end = this.#textEnd(all, at, open < 0 ? all.length : open, open < 0 && !last);
        if (end > at) yield { kind: 'text', text: plainText(all.slice(at, end)) };
        at = end;
        if (open < 0 || end < open) break;
        continue;
      }
      // Enough to tell what it is.
      if (!last && all.length - at < CDATA.length) break;
      const next = this.#markup(all, at);
      if (next === undefined) {
        if (last) throw this.invalid('it ends within a tag');
        if (all.length - at > MAX_TAG_CHARS)
          throw this.invalid(`a tag or comment has more than ${MAX_TAG_CHARS} characters`);
        break;
      }
      if (next.token) yield next.token;
      at = next.end;
    }
    this.#held = all.slice(at);
  }

  /** Where a text from `from` may be cut: not within an entity, when more may come. */
  #textEnd(all: string, from: number, to: number, more: boolean): number {
    if (!more) return to;
    const entity = all.lastIndexOf('&', to);
    return entity >= from && to - entity < 12 && all.indexOf(';', entity) < 0 ? entity : to;
  }

  /** What begins with "<" at `at`; undefined where its end is not there yet. */
  #markup(all: string, at: number): { token: XmlToken | undefined; end: number } | undefined {
    if (all.startsWith(CDATA, at)) {
      const end = all.indexOf(']]>', at);
      return end < 0 ? undefined : { token: { kind: 'text', text: all.slice(at + CDATA.length, end) }, end: end + 3 };
    }
    const skipped = SKIPPED.find(([open]) => all.startsWith(open, at));
    if (skipped) {
      const end = all.indexOf(skipped[1], at + skipped[0].length);
      return end < 0 ? undefined : { token: undefined, end: end + skipped[1].length };
    }
    const end = endOfTag(all, at);
    if (end < 0) return undefined;
    const text = all.slice(at + 1, end);
    if (text.startsWith('!')) {
      if (text.includes('['))
        throw this.invalid('it has a document type with definitions of its own, which are not obeyed');
      return { token: undefined, end: end + 1 };
    }
    const [, slash, name, attributes] = /^(\/?)(?:[\w.-]+:)?([A-Za-z_][\w.-]*)([\s\S]*)$/.exec(text) ?? [];
    if (name === undefined) throw this.invalid(`'<${text.slice(0, 40)}' is no tag`);
    if (slash === '/') return { token: { kind: 'end', name }, end: end + 1 };
    const empty = attributes.endsWith('/');
    return {
      token: { kind: 'start', name, attributes: empty ? attributes.slice(0, -1) : attributes, empty },
      end: end + 1,
    };
  }
}

/** The attributes of a start tag, by name. */
export function xmlAttributes(text: string): ReadonlyMap<string, string> {
  // At the place where the last one ended, so that no text is looked at twice.
  const attribute = /\s*([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
  const found = new Map<string, string>();
  for (let next = attribute.exec(text); next; next = attribute.exec(text))
    found.set(next[1], plainText(next[2] ?? next[3]));
  return found;
}

/** Where the tag that begins at `from` ends: at the first ">" outside quotes; -1 where it does not. */
function endOfTag(all: string, from: number): number {
  let quote = '';
  for (let at = from + 1; at < all.length; at++) {
    const c = all[at];
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return at;
  }
  return -1;
}

function plainText(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{2,4}));/g, (all, decimal, hexadecimal, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? (all as string);
    const code = decimal === undefined ? parseInt(hexadecimal as string, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : (all as string);
  });
}

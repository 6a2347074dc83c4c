import type { DeclaredColumn } from './declared-column.js';

/** At the place where the last one ended, so that no text is looked at twice. */
const ATTRIBUTE = /\s*([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
/** What holds no tags, by its ends. */
const SKIPPED: readonly [open: string, close: string][] = [
  ['<!--', '-->'],
  ['<?', '?>'],
  ['<![CDATA[', ']]>'],
];
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
/** Beyond this no table is described but something else is tried. */
const MAX_CHARS = 2 ** 22;
const MAX_FIELDS = 16_384;

/**
 * The FIELDs of the first TABLE of a VOTable (IVOA VOTable 1.4): name, unit, ucd and datatype. Undefined for what is no
 * VOTable, and for one with a document type, which could define entities: a table does not depend on it.
 */
export function votableFields(xml: string): readonly DeclaredColumn[] | undefined {
  if (xml.length > MAX_CHARS) return undefined;
  const fields: DeclaredColumn[] = [];
  let inTable = false;
  for (const { tag, attributes } of startTags(xml)) {
    if (tag === '!') return undefined;
    if (tag === 'TABLE') {
      if (inTable) break;
      inTable = true;
    }
    if (tag !== 'FIELD' || !inTable) continue;
    if (fields.length === MAX_FIELDS) return undefined;
    const of = new Map(
      [...attributesOf(attributes)].map(([, name, double, single]) => [name, plainText(double ?? single)]),
    );
    const name = of.get('name');
    if (name !== undefined)
      fields.push({ name, unit: of.get('unit'), ucd: of.get('ucd'), datatype: of.get('datatype') });
  }
  return inTable ? fields : undefined;
}

/** Start tags without their prefix; the tag "!" for a declaration. Ends where something is not closed. */
function* startTags(xml: string): Generator<{ tag: string; attributes: string }> {
  let at = xml.indexOf('<');
  while (at >= 0) {
    const skipped = SKIPPED.find(([open]) => xml.startsWith(open, at));
    const end = skipped ? xml.indexOf(skipped[1], at) : endOfTag(xml, at);
    if (end < 0) return;
    if (!skipped) {
      const text = xml.slice(at + 1, end);
      if (text.startsWith('!')) yield { tag: '!', attributes: '' };
      const [, tag, attributes] = /^(?:[\w.-]+:)?([A-Za-z_][\w.-]*)([\s\S]*)$/.exec(text) ?? [];
      if (tag !== undefined) yield { tag, attributes };
    }
    at = xml.indexOf('<', end);
  }
}

function* attributesOf(text: string): Generator<RegExpExecArray> {
  const attribute = new RegExp(ATTRIBUTE);
  for (let found = attribute.exec(text); found; found = attribute.exec(text)) yield found;
}

/** Where the tag that begins at `from` ends: at the first ">" outside quotes; -1 where it does not. */
function endOfTag(xml: string, from: number): number {
  let quote = '';
  for (let at = from + 1; at < xml.length; at++) {
    const c = xml[at];
    if (quote !== '') {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '>') return at;
  }
  return -1;
}

function plainText(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{2,4}));/g, (all, decimal, hexadecimal, name) => {
    if (name !== undefined) return ENTITIES[name as string] ?? (all as string);
    const code = decimal === undefined ? parseInt(hexadecimal as string, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : (all as string);
  });
}

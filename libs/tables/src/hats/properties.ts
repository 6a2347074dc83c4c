import { fail } from '@armilla/base';

/** A file of properties that is longer was not written to be read. */
export const MAX_PROPERTIES_BYTES = 1 << 20;

/** Keys and values as they stand in a file of properties. */
export type Properties = ReadonlyMap<string, string>;

/**
 * Reads key-values as Java writes them (`java.util.Properties`): `key=value`, `key: value` or `key value`, lines that end with a
 * backslash go on, `#` and `!` begin comments, `\t`, `\n` and `\u00e9` are characters. Of a key that comes twice the last one counts.
 * Throws HATS_INVALID.
 */
export function parseProperties(bytes: Uint8Array, where: string): Properties {
  if (bytes.length > MAX_PROPERTIES_BYTES)
    throw fail('HATS_INVALID', {
      where,
      detail: `${bytes.length} bytes of properties, at most ${MAX_PROPERTIES_BYTES}`,
    });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw fail('HATS_INVALID', { where, detail: 'its properties are not UTF-8' }, { cause: error });
  }
  const found = new Map<string, string>();
  const lines = text.split(/\r\n|\r|\n/);
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i].trimStart();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (goesOn(line) && i + 1 < lines.length) line = line.slice(0, -1) + lines[++i].trimStart();
    const [key, value] = split(line);
    found.set(unescape(key), unescape(value).trimEnd());
  }
  return found;
}

/** Properties as a file, in the order of the map; values are one line each. */
export function formatProperties(title: string, properties: Properties): string {
  const lines = [...properties].map(
    ([key, value]) => `${key}=${value.replaceAll('\\', '\\\\').replace(/[\r\n]+/g, ' ')}`,
  );
  return `#${title}\n${lines.join('\n')}\n`;
}

/** Whether a line ends with a backslash that is not escaped itself. */
function goesOn(line: string): boolean {
  let count = 0;
  while (count < line.length && line[line.length - 1 - count] === '\\') count++;
  return count % 2 === 1;
}

/** The key ends at the first `=`, `:` or blank that is not escaped; blanks around the separator are left out. */
function split(line: string): readonly [string, string] {
  let end = 0;
  while (end < line.length && !/[=:\s]/.test(line[end])) end += line[end] === '\\' ? 2 : 1;
  const rest = line.slice(end).trimStart();
  return [line.slice(0, end), /^[=:]/.test(rest) ? rest.slice(1).trimStart() : rest];
}

const CHARACTERS: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code: string | undefined, character: string) =>
    code === undefined ? (CHARACTERS[character] ?? character) : String.fromCharCode(parseInt(code, 16)),
  );
}

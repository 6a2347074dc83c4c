import { isProblem, Random } from '@armilla/base';
import { formatProperties, MAX_PROPERTIES_BYTES, parseProperties } from './properties.js';

const parsed = (text: string): [string, string][] => [...parseProperties(new TextEncoder().encode(text), 'properties')];

test.each<[string, [string, string][]]>([
  ['#HATS catalog\na=1\n!no\nb = two words \n', [['a', '1'], ['b', 'two words']]], // prettier-ignore
  ['a:1\r\nb 2\rc\n', [['a', '1'], ['b', '2'], ['c', '']]], // prettier-ignore
  ['key=one\\\n   two\n', [['key', 'onetwo']]],
  ['key=a\\\\\nb=2', [['key', 'a\\'], ['b', '2']]], // prettier-ignore
  ['a\\=b=c=d', [['a=b', 'c=d']]],
  ['a=\\u00e9\\t\\x', [['a', 'é\tx']]],
  ['a=1\na=2\n', [['a', '2']]],
  ['hats_npix_suffix=\\', [['hats_npix_suffix', '\\']]],
  ['', []],
])('%j', (text, properties) => {
  expect(parsed(text)).toEqual(properties);
});

test('what is written reads back', () => {
  const random = new Random(7);
  const characters = ['a', 'Z', '0', '=', ':', '#', '!', ' ', '\\', 'é', '星', '\t', '"', '%'];
  const text = (): string =>
    Array.from({ length: random.below(12) }, () => characters[random.below(characters.length)]).join('');
  for (let i = 0; i < 500; i++) {
    const entries = Array.from({ length: 1 + random.below(4) }, (_, k): [string, string] => [
      `key_${k}`,
      text().trim(),
    ]);
    expect(parsed(formatProperties('a title', new Map(entries)))).toEqual(entries);
  }
});

test('any bytes are read or refused', () => {
  const random = new Random(8);
  const outcomes = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const bytes = Uint8Array.from({ length: random.below(60) }, () => random.below(i % 2 === 0 ? 256 : 128));
    try {
      parseProperties(bytes, 'properties');
      outcomes.add('read');
    } catch (error) {
      if (!isProblem(error)) throw error;
      outcomes.add(error.reason);
    }
  }
  expect([...outcomes].sort()).toEqual(['HATS_INVALID', 'read']);
  expect(() => parseProperties(new Uint8Array(MAX_PROPERTIES_BYTES + 1), 'properties')).toThrow(/1048577 bytes/);
});

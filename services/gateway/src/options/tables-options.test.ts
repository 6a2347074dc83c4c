import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TABLES_OPTION_NAMES, TABLES_OPTIONS } from './tables-options.js';

test('docs/http.md names every option of several tables, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'http.md'), 'utf8');
  const section = page.slice(page.indexOf('## Match several tables'), page.indexOf('## Cone search'));
  const documented = [...section.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) =>
    [...names.matchAll(/`([\w.]+)`/g)].map(([, name]) => name),
  );
  expect(documented.sort()).toEqual([...TABLES_OPTION_NAMES].sort());
});

test('each of ten tables has its own options', () => {
  const names = TABLES_OPTIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const numbered = names.filter((name) => /\d/.test(name));
  expect(new Set(numbered.map((name) => name.replace(/\d+/, 'K'))).size * 10).toBe(numbered.length);
});

import { readFileSync } from 'node:fs';
import { configPage } from './page.js';

test('docs/config.md is current; else run node tools/write-config-docs.mjs', () => {
  const path = new URL('../../../../docs/config.md', import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(configPage());
});

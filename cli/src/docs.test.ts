import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REASONS } from '@armilla/base';
import { SIDE_OPTIONS } from '@armilla/gateway/side-options';
import { runCli } from './testing/run-cli.js';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cli.md'), 'utf8');

test.each([
  ['crossmatch', '## crossmatch', '## crossmatch cone', 20],
  ['crossmatch cone', '## crossmatch cone', '## convert', 15],
  ['convert', '## convert', '## serve', 4],
  ['merge', '## convert', '## serve', 4],
])('docs/cli.md names every option of %s, and no other', async (command, from, to, least) => {
  const { stdout } = await runCli([...command.split(' '), '--help']);
  const known = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== '--help');
  expect(known.length).toBeGreaterThan(least);
  const section = page.slice(page.indexOf(from), page.indexOf(to));
  const documented = [...section.matchAll(/^\| (`--.*?) \|/gm)].flatMap(([, names]) =>
    [...names.matchAll(/`(--[a-z-]+)`/g)].map(([, name]) => name),
  );
  expect(documented.sort()).toEqual(known.sort());
});

test('docs/cli.md and docs/http.md name every option that both tables have', async () => {
  const { stdout } = await runCli(['crossmatch', '--help']);
  const http = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'http.md'), 'utf8');
  expect(SIDE_OPTIONS.length).toBeGreaterThan(15);
  for (const { name } of SIDE_OPTIONS) {
    const flag = name.replaceAll('_', '-');
    expect(page).toContain(`| \`${flag}\` |`);
    expect(stdout).toMatch(new RegExp(`^  ${flag} `, 'm'));
    for (const side of ['left', 'right']) expect(http).toContain(`\`${side}_${name}\``);
  }
});

test('docs/cli.md names every exit code that a reason has', () => {
  const section = page.slice(page.indexOf('## Exit codes'));
  const documented = new Set([...section.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code)));
  for (const { exit } of Object.values(REASONS)) expect(documented).toContain(exit);
});

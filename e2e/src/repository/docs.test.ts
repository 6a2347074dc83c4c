import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fail, type ReasonName, REASONS, ROW_REASONS } from '@armilla/base';
import { problemToHttp } from '@armilla/chassis';
import { repositoryRoot } from './root.js';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');

test('docs/errors.md explains every reason, with its codes', () => {
  const rows = new Map(
    read('docs/errors.md')
      .split('\n')
      .flatMap((line) => {
        const cells = line.split('|').map((cell) => cell.trim());
        return /^`[A-Z_]+`$/.test(cells[1] ?? '') ? [[cells[1].slice(1, -1), cells.slice(2)] as const] : [];
      }),
  );
  for (const [name, { code, exit }] of Object.entries(REASONS)) {
    const [docCode, docHttp, docExit, explanation] = rows.get(name) ?? [];
    expect({ name, code: docCode, http: docHttp, exit: docExit }).toEqual({
      name,
      code,
      http: String(problemToHttp(fail(name as ReasonName)).status),
      exit: String(exit),
    });
    expect(explanation.length).toBeGreaterThan(20);
  }
  for (const name of Object.keys(ROW_REASONS)) expect(rows.has(name)).toBe(true);
  expect(rows.size).toBe(Object.keys(REASONS).length + Object.keys(ROW_REASONS).length);
});

test('every relative link in the documentation leads to a file', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'fixtures/README.md', 'bench/README.md'];
  for (const entry of readdirSync(join(repositoryRoot, 'docs'), { recursive: true, encoding: 'utf8' })) {
    if (entry.endsWith('.md')) pages.push(join('docs', entry));
  }
  const broken: string[] = [];
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(repositoryRoot, dirname(page), target))) broken.push(`${page}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the tour names files that exist', () => {
  const roots = ['', 'services/gateway/src', 'services/crossmatch/src', 'libs/sky/src/join'];
  const named = [...read('docs/tour.md').matchAll(/`([\w./-]+\/[\w./-]*|[\w-]+\.ts)`/g)].map(([, path]) => path);
  expect(named.length).toBeGreaterThan(15);
  expect(
    named.filter(
      (path) => !path.startsWith('/') && !roots.some((root) => existsSync(join(repositoryRoot, root, path))),
    ),
  ).toEqual([]);
});

import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { profileOfData } from '../profile-data.js';
import { Profiler } from '../profiler.js';
import { simulatedRun } from '../testing/simulated-run.js';
import { renderDashboard } from './dashboard.js';
import { pageScript } from './page-script.js';

const HOSTILE = [
  '</script><script>alert(1)</script>',
  '<!--<script>',
  '"><img src=x onerror=alert(1)>',
  '\u2028\u2029',
  "'; alert(1); //",
  ']]>',
  '&lt;script&gt;',
];

/** Text of the elements of one tag. */
function contents(page: string, tag: string): string[] {
  return [...page.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, 'g'))].map(([, text]) => text);
}

function hostileRun(): Profiler {
  const profiler = new Profiler();
  for (const name of HOSTILE) profiler.scope(name, { device: name }).end();
  profiler.track(HOSTILE[0], HOSTILE[1], HOSTILE[2]);
  return profiler;
}

test('the page holds its profiles and nothing that a browser would fetch', () => {
  const runs = [simulatedRun('a'), simulatedRun('b')];
  const page = renderDashboard(runs);
  const [data] = contents(page, 'script');
  const { profiles } = JSON.parse(data);
  expect(profiles.map(profileOfData)).toEqual(runs.map((profile) => ({ profile })));
  expect(JSON.parse(contents(renderDashboard(runs[0]), 'script')[0]).profiles).toHaveLength(1);
  const outside = page.replaceAll('http://www.w3.org/2000/svg', '');
  expect(outside).not.toMatch(/https?:|<link|<img|<iframe|@import|url\(/);
});

test('names of any kind stay data', () => {
  const profile = hostileRun().profile(HOSTILE[0], HOSTILE[2]);
  const page = renderDashboard(profile, {
    crossovers: [{ op: HOSTILE[0], unit: HOSTILE[1], sizes: [], backends: [], crossoverSizes: [] }],
  });
  const clean = renderDashboard(new Profiler().profile());
  const count = (text: string): number => text.match(/<(?!\w* )/g)!.length;
  expect(count(page)).toBe(count(clean));
  const [data] = contents(page, 'script');
  expect(data).not.toMatch(/[<>&\u2028\u2029]/);
  expect(JSON.parse(data).profiles[0].ops).toEqual(HOSTILE);
});

test('the policy allows the script and the style of the page, by their hash', () => {
  const page = renderDashboard(simulatedRun('a'));
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)!;
  const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;
  const [, script] = contents(page, 'script');
  const [style] = contents(page, 'style');
  expect(policy.split('; ')).toEqual([
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ]);
  expect(() => new Script(script)).not.toThrow();
  expect(script).not.toMatch(/innerHTML|eval\(|document\.write|insertAdjacentHTML/);
});

test('modules are joined in the order in which they need each other, each once', () => {
  const files: Record<string, string> = {
    '/a/main.js':
      "import { twice as double } from './b.js';\nimport { one } from './c.js';\nglobalThis.result = double(one);\n",
    '/a/b.js':
      "import { one } from './c.js';\nconst hidden = 2;\nexport function twice(n) {\n  return n * hidden * one;\n}\n",
    '/a/c.js':
      'export const one = 21;\nconst hidden = 3;\nglobalThis.count = (globalThis.count ?? 0) + 1;\n//# sourceMappingURL=c.js.map\n',
  };
  const sandbox: { result?: number; count?: number } = {};
  new Script(pageScript('/a/main.js', (path) => files[path])).runInNewContext(sandbox);
  expect([sandbox.result, sandbox.count]).toEqual([882, 1]);
});

test.each([
  "import fs from 'node:fs';",
  "import { fail } from '@armilla/base';",
  'export default 5;',
  "export * from './b.js';",
])('a module with %s cannot be joined', (line) => expect(() => pageScript('/main.js', () => line)).toThrow('/main.js'));

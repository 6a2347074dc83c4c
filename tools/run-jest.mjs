// Runs the jest tests of one package as ES modules and keeps the counts in build/test-results.json, which is part of
// the cached output: a cached run counts as well.
//   node tools/run-jest.mjs libs/sky [jest options]
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { swiftshaderEnvironment } from './swiftshader.mjs';

const [project, ...options] = process.argv.slice(2);
const results = join(project, 'build', 'test-results.json');
mkdirSync(join(project, 'build'), { recursive: true });
writeFileSync(results, '{}');

// The Vulkan loader and the linker read the environment of the process as it was at its start.
const { default: config } = await import(resolve(project, 'jest.config.mjs'));
const vulkan = config.globals?.swiftshader ? swiftshaderEnvironment() : undefined;

const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    'node_modules/jest/bin/jest.js',
    '-c',
    join(project, 'jest.config.mjs'),
    '--json',
    '--outputFile',
    results,
    '--maxWorkers',
    '2',
    ...options,
  ],
  // What programs under test keep between runs is not the user's.
  {
    stdio: 'inherit',
    env: { ...process.env, XDG_STATE_HOME: resolve('node_modules/.cache/armilla/state'), ...vulkan },
  },
);

const report = JSON.parse(readFileSync(results, 'utf8') || '{}');
const onDisk = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
  path.endsWith('.test.ts'),
).length;
const skipped = (report.testResults ?? []).flatMap((file) =>
  file.assertionResults
    .filter((test) => test.status === 'pending' || test.status === 'todo')
    .map((test) => test.fullName),
);
writeFileSync(
  results,
  JSON.stringify({
    project,
    passed: report.numPassedTests ?? 0,
    failed: (report.numFailedTests ?? 0) + (report.numRuntimeErrorTestSuites ?? 0),
    skipped,
    filesRun: (report.testResults ?? []).length,
    filesOnDisk: onDisk,
  }),
);
process.exit(status ?? 1);

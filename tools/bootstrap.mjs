// Makes a clean checkout ready and runs one of its commands; needs nothing but Node.js and npm.
//   node tools/bootstrap.mjs build|test|demo|bench|interop [arguments]
// Installing and building are skipped, without starting nx, while the stamps of what they depend on still hold.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installHash, packageFolders, sourceHash } from './stamps.mjs';
import { reportTests } from './report-tests.mjs';

const root = join(import.meta.dirname, '..');
process.chdir(root);

const [command = 'build', ...args] = process.argv.slice(2);
const quiet = args.includes('--quiet');
const stamps = join('node_modules', '.armilla');
const NX = join('node_modules', 'nx', 'dist', 'bin', 'nx.js');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Node.js ${process.versions.node} is too old: Armilla needs 20.19 or later.\n`);
  process.exit(2);
}

install();
switch (command) {
  case 'build':
    build();
    break;
  case 'test':
    test();
    break;
  case 'demo':
    build();
    run(join('cli', 'bin', 'armilla.mjs'), ['demo', ...args]);
    break;
  case 'bench':
    build();
    run(join('cli', 'bin', 'armilla.mjs'), ['bench', ...args]);
    break;
  case 'interop':
    build();
    run(join('e2e', 'interop', 'run.mjs'), args);
    break;
  default:
    process.stderr.write(`no command '${command}'; known are build, test, demo, bench, interop\n`);
    process.exit(2);
}

function install() {
  const stamp = join(stamps, 'install');
  const wanted = installHash();
  if (holds(stamp, wanted)) return;
  say('installing dependencies (npm ci) …');
  const result = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) stop('npm ci failed', result);
  write(stamp, wanted);
}

function build() {
  const stamp = join(stamps, 'build');
  const wanted = sourceHash();
  const complete = packageFolders().every((folder) => existsSync(join(folder, 'dist', 'tsconfig.tsbuildinfo')));
  if (complete && holds(stamp, wanted)) return;
  say('building …');
  rmSync(stamp, { force: true });
  const result = nx(['run-many', '-t', 'build'], quiet || !process.env.CI ? 'pipe' : 'inherit');
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
    stop('the build failed', result);
  }
  write(stamp, wanted);
}

function test() {
  for (const folder of packageFolders()) rmSync(join(folder, 'build', 'test-results.json'), { force: true });
  const checks = nx(['run-many', '-t', 'build', 'lint', 'typecheck', '--parallel=2'], 'inherit');
  if (checks.status === 0) write(join(stamps, 'build'), sourceHash());
  // One package at a time: jest takes both cores, and services under test must not starve each other.
  const tests = nx(['run-many', '-t', 'test', '--parallel=1', ...args], 'inherit');
  process.exit(reportTests(packageFolders(), [checks.status, tests.status]));
}

function nx(options, stdio) {
  return spawnSync(process.execPath, [NX, ...options, '--output-style=static'], {
    stdio: stdio === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, NX_DAEMON: 'false', NX_NO_CLOUD: 'true', NX_TUI: 'false' },
  });
}

/** Replaces this process as far as Node.js allows: same terminal, same signals, same exit status. */
function run(script, options) {
  const result = spawnSync(process.execPath, [script, ...options], { stdio: 'inherit' });
  if (result.error) stop(`${script} could not be started`, result);
  process.exit(result.signal ? 130 : (result.status ?? 70));
}

function holds(stamp, wanted) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
}

function write(stamp, text) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, text);
}

function say(text) {
  if (!quiet) process.stderr.write(`armilla: ${text}\n`);
}

function stop(text, result) {
  process.stderr.write(`armilla: ${text}${result.error ? `: ${result.error.message}` : ''}\n`);
  process.exit(result.status || 70);
}

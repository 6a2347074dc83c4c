// Foreign clients against this build: `npm run test:interop [name …]`. Python parts live in a private environment that the
// first run makes (e2e/interop/.venv); what cannot be had is skipped visibly.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const here = import.meta.dirname;
const root = join(here, '..', '..');
const wanted = process.argv.slice(2);
const scripts = readdirSync(here)
  .filter((name) => name.endsWith('.py') || name.endsWith('.client.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));

const missing = preparePython();
const server = await startServer();
let passed = 0;
let failed = 0;
let skipped = 0;
for (const script of scripts) {
  const isPython = script.endsWith('.py');
  if (isPython && missing) {
    skipped++;
    console.log(`skip ${script}: ${missing}`);
    continue;
  }
  const child = spawn(isPython ? join(here, '.venv', 'bin', 'python') : process.execPath, [join(here, script)], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: 600_000,
    env: { ...process.env, ARMILLA_URL: server.url, ARMILLA_GRPC: server.grpc, PYTHONUNBUFFERED: '1' },
  });
  const [status] = await once(child, 'exit');
  // 77: the script says that a part of its own is not there.
  if (status === 0) passed++;
  else if (status === 77) skipped++;
  else failed++;
  console.log(`${status === 0 ? 'ok' : status === 77 ? 'skip' : 'FAILED'} ${script}`);
}
await server.stop();
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 && passed + skipped > 0 ? 0 : 1);

/** Why there is no Python environment, or undefined. */
function preparePython() {
  const requirements = readFileSync(join(here, 'requirements.txt'), 'utf8');
  const stamp = join(here, '.venv', 'armilla-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements) return undefined;
  console.log('making e2e/interop/.venv …');
  const steps = [
    ['python3', ['-m', 'venv', join(here, '.venv')]],
    [join(here, '.venv', 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', join(here, 'requirements.txt')]],
  ];
  for (const [command, args] of steps) {
    const result = spawnSync(command, args, { encoding: 'utf8' });
    if (result.status !== 0)
      return `${command} ${args[1]} failed: ${(result.error?.message ?? result.stderr).trim().slice(-200)}`;
  }
  writeFileSync(stamp, requirements);
  return undefined;
}

async function startServer() {
  const child = spawn(
    process.execPath,
    [
      join(root, 'cli', 'bin', 'armilla.mjs'),
      'serve',
      '--port',
      '0',
      '--grpc-address',
      '127.0.0.1:0',
      '--log-level',
      'error',
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /serving (http\S+) \(gRPC at ([^)]+)\)/.exec(line);
    if (found) {
      return {
        url: found[1],
        grpc: found[2],
        stop: async () => {
          child.kill('SIGTERM');
          await once(child, 'exit');
        },
      };
    }
  }
  throw new Error('the server did not start');
}

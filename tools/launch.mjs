// What ./armilla runs: installs and builds what is missing, then the command line.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const ready = spawnSync(process.execPath, [join(root, 'tools', 'bootstrap.mjs'), 'build', '--quiet'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (ready.status !== 0) process.exit(ready.status ?? 130);

process.argv.splice(1, 1, join(root, 'cli', 'bin', 'armilla.mjs'));
await import('../cli/bin/armilla.mjs');

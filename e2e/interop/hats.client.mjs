// The Python packages of HATS catalogs, hats and lsdb, in an environment of their own (e2e/interop/.venv-hats), since they bring a
// hundred others along. Ends with 77 where they cannot be had.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGES = ['hats==0.11.1', 'lsdb==0.11.1'];
const here = import.meta.dirname;
const environment = join(here, '.venv-hats');
const python = join(environment, 'bin', 'python');
const stamp = join(environment, 'armilla-stamp');

if (!existsSync(stamp)) {
  console.log('making e2e/interop/.venv-hats …');
  const steps = [
    ['python3', ['-m', 'venv', environment]],
    [python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]],
  ];
  for (const [command, args] of steps) {
    const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    if (status === 0) continue;
    console.log(`${command} ${args[1]} failed: ${(error?.message ?? stderr).trim().slice(-200)}`);
    process.exit(77);
  }
  writeFileSync(stamp, PACKAGES.join('\n'));
}
process.exit(spawnSync(python, [join(here, 'hats', 'check.py')], { stdio: 'inherit' }).status ?? 1);

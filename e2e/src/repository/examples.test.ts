import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from './root.js';

const folder = join(repositoryRoot, 'examples');
// Those in Python run in the interop tests.
const examples = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'run.ts')));

test('there are examples', () => expect(examples.length).toBeGreaterThan(0));

test.each(examples)(
  '%s prints what it promises',
  async (name) => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'dist', name, 'run.js')], {
      cwd: repositoryRoot,
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    expect(stdout).toBe(readFileSync(join(folder, name, 'expected.txt'), 'utf8'));
  },
  60_000,
);

// What installing and building depend on, as one hash each.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'build', 'gen', 'coverage', '.venv']);
const SOURCE = /\.(ts|mjs|json|proto|ya?ml)$/;

/** Folders of the workspace packages, relative to the repository root. */
export function packageFolders() {
  const { workspaces } = JSON.parse(readFileSync('package.json', 'utf8'));
  return workspaces
    .flatMap((entry) =>
      entry.endsWith('/*')
        ? readdirSync(entry.slice(0, -2), { withFileTypes: true })
            .filter((item) => item.isDirectory())
            .map((item) => join(entry.slice(0, -2), item.name))
        : [entry],
    )
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .sort();
}

export function installHash() {
  const hash = createHash('sha256').update(`${process.versions.modules} ${process.platform} ${process.arch}\n`);
  return hash.update(readFileSync('package-lock.json')).digest('hex');
}

export function sourceHash() {
  const hash = createHash('sha256').update(`${process.version}\n`);
  const files = ['package-lock.json', 'tsconfig.base.json', 'nx.json'];
  for (const folder of ['tools', ...packageFolders()]) collect(folder, files);
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

function collect(folder, files) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) collect(path, files);
    } else if (SOURCE.test(entry.name) && !entry.name.endsWith('.test.ts')) files.push(path);
  }
}

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repositoryRoot } from './root.js';

const buf = join(repositoryRoot, 'node_modules', '@bufbuild', 'buf', 'bin', 'buf');
const proto = join(repositoryRoot, 'proto');

/** Compares the contract in `folder` with the committed baseline (`buf build -o baseline.binpb` in proto/). */
function breaking(folder: string): { status: number | null; output: string } {
  const result = spawnSync(process.execPath, [buf, 'breaking', '--against', join(proto, 'baseline.binpb')], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status: result.status, output: result.stdout + result.stderr };
}

test('the contract does not break the baseline', () => {
  expect(breaking(proto)).toEqual({ status: 0, output: '' });
});

test('a removed field is seen as a break', () => {
  const folder = mkdtempSync(join(tmpdir(), 'armilla-contract-'));
  try {
    cpSync(join(proto, 'armilla'), join(folder, 'armilla'), { recursive: true });
    cpSync(join(proto, 'buf.yaml'), join(folder, 'buf.yaml'));
    const file = join(folder, 'armilla', 'crossmatch', 'v1', 'crossmatch.proto');
    const text = readFileSync(file, 'utf8');
    const field = '  double min_radius_arcsec = 2;\n';
    expect(text).toContain(field);
    writeFileSync(file, text.replace(field, ''));
    const { status, output } = breaking(folder);
    expect(status).not.toBe(0);
    expect(output).toContain('min_radius_arcsec');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the contract passes buf lint', () => {
  const result = spawnSync(process.execPath, [buf, 'lint'], { cwd: proto, encoding: 'utf8' });
  expect(result.stdout + result.stderr).toBe('');
  expect(result.status).toBe(0);
});

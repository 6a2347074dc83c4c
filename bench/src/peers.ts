import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './measure.js';
import { runTree, type TreeUsage } from './process-tree.js';

/** What another program did with the same tables. */
export interface PeerResult {
  readonly name: string;
  readonly version: string;
  readonly min_s: number;
  readonly median_s: number;
  readonly pairs: number;
  readonly separation_sum_arcsec: number;
  readonly peak_rss_mib: number;
}

export interface PeerSkip {
  readonly name: string;
  readonly skipped: string;
}

const folder = join(import.meta.dirname, '..', 'peers');
const python = join(folder, '.venv', 'bin', 'python');

/** Makes the private Python environment on first use. Returns why it cannot be had, or undefined. */
export function preparePeers(log: (line: string) => void): string | undefined {
  const requirements = readFileSync(join(folder, 'requirements.txt'), 'utf8');
  const stamp = join(folder, '.venv', 'armilla-stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements) return undefined;
  log('installing the peers into bench/peers/.venv …');
  const steps = [
    ['python3', ['-m', 'venv', join(folder, '.venv')]],
    [python, ['-m', 'pip', 'install', '--quiet', '-r', join(folder, 'requirements.txt')]],
  ] as const;
  for (const [command, args] of steps) {
    const result = spawnSync(command, args, { encoding: 'utf8' });
    if (result.status !== 0) return `${command} failed: ${(result.error?.message ?? result.stderr).trim().slice(-300)}`;
  }
  mkdirSync(join(folder, '.venv'), { recursive: true });
  writeFileSync(stamp, requirements);
  return undefined;
}

/** Whether the `stilts` command is there, or can be installed (Debian package, root only). */
export function prepareStilts(log: (line: string) => void): string | undefined {
  const there = (): boolean => spawnSync('stilts', ['-version']).status === 0;
  if (there()) return undefined;
  if (process.getuid?.() !== 0) return 'no stilts command (Debian package stilts)';
  log('installing stilts …');
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
  spawnSync('apt-get', ['install', '-y', '-qq', 'stilts'], {
    stdio: 'ignore',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return there() ? undefined : 'stilts could not be installed';
}

/** Runs one peer on `left`.ra/.dec and `right`.ra/.dec. */
export function runPeer(
  name: string,
  left: string,
  right: string,
  radiusArcsec: number,
  find: 'nearest' | 'all',
  repeats: number,
): PeerResult | PeerSkip {
  const script =
    name === 'stilts'
      ? [join(folder, 'stilts.py'), left, right, String(radiusArcsec), find, String(repeats)]
      : [join(folder, 'peer.py'), name, left, right, String(radiusArcsec), find, String(repeats)];
  const result = spawnSync(python, script, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (result.status !== 0)
    return { name, skipped: (result.error?.message ?? result.stderr).trim().split('\n').at(-1) ?? 'failed' };
  const output = JSON.parse(result.stdout.trim().split('\n').at(-1) as string) as Omit<
    PeerResult,
    'min_s' | 'median_s'
  > & {
    seconds: number[];
  };
  const { seconds, ...rest } = output;
  return { ...rest, min_s: Math.min(...seconds), median_s: median(seconds) };
}

/** DuckDB from Parquet to Parquet as a process of its own. */
export function runDuckdbFiles(
  left: string,
  right: string,
  out: string,
  radiusArcsec: number,
): { seconds: number; pairs: number; version: string } | PeerSkip {
  const start = performance.now();
  const result = spawnSync(python, [join(folder, 'duckdb_files.py'), left, right, out, String(radiusArcsec)], {
    encoding: 'utf8',
  });
  const seconds = (performance.now() - start) / 1000;
  if (result.status !== 0)
    return { name: 'duckdb', skipped: (result.error?.message ?? result.stderr).trim().split('\n').at(-1) ?? 'failed' };
  const output = JSON.parse(result.stdout.trim()) as { pairs: number; version: string };
  return { seconds, ...output };
}

/** A program from files to a file, measured as a whole: `script` of the peers prints its name, version and pairs. */
export async function runFilesPeer(
  script: string,
  args: readonly string[],
): Promise<(TreeUsage & { readonly name: string; readonly version: string; readonly pairs: number }) | PeerSkip> {
  const usage = await runTree(python, [join(folder, script), ...args]);
  if (usage.code !== 0) return { name: script, skipped: usage.stderr.trim().split('\n').at(-1) ?? 'failed' };
  const output = JSON.parse(usage.stdout.trim().split('\n').at(-1) as string) as {
    name: string;
    version: string;
    pairs: number;
  };
  return { ...usage, ...output };
}

type FlightSeconds = Readonly<Record<'get' | 'put' | 'exchange', readonly number[]>>;

/** pyarrow as a client of Flight, of our server at `target` and of its own. */
export function runFlightClient(
  target: string,
  rowCount: number,
  columnCount: number,
  repeats: number,
): { version: string; bytes: number; armilla: FlightSeconds; pyarrow: FlightSeconds } | PeerSkip {
  const args = [join(folder, 'flight.py'), target, ...[rowCount, columnCount, repeats].map(String)];
  const result = spawnSync(python, args, { encoding: 'utf8' });
  if (result.status !== 0)
    return { name: 'pyarrow', skipped: (result.error?.message ?? result.stderr).trim().split('\n').at(-1) ?? 'failed' };
  return JSON.parse(result.stdout.trim()) as ReturnType<typeof runFlightClient>;
}

/** NumPy or SciPy on one numeric operation: `n` values, or n x n matrices, or n points a side. */
export function runNumericPeer(
  operation: string,
  dtype: string,
  n: number,
  repeats: number,
): { name: string; version: string; seconds: number[] } | PeerSkip {
  const args = [join(folder, 'numeric.py'), operation, dtype, ...[n, repeats].map(String)];
  const result = spawnSync(python, args, { encoding: 'utf8' });
  if (result.status !== 0)
    return { name: 'numpy', skipped: (result.error?.message ?? result.stderr).trim().split('\n').at(-1) ?? 'failed' };
  return JSON.parse(result.stdout.trim()) as { name: string; version: string; seconds: number[] };
}

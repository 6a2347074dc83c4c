import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median, summarise } from '../measure.js';
import { type PeerResult, type PeerSkip, runFilesPeer } from '../peers.js';
import { runTree, type TreeUsage } from '../process-tree.js';
import { type BenchOptions, type CaseResult, ratioToBest } from './case.js';
import { type DiskTables, diskTables } from './disk-tables.js';

const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin', 'armilla.mjs');
const RADIUS_ARCSEC = 2;

export interface DiskCase {
  readonly name: string;
  readonly rowCount: number;
  readonly memory: string;
  readonly repeats: number;
  readonly peers: readonly string[];
}

/** LSDB matches HATS catalogs; to make them of this many rows in memory takes minutes and tens of GB. */
const MOST_LSDB_ROWS = 2_000_000;

export function diskCases(quick: boolean): readonly DiskCase[] {
  const peers = ['duckdb', 'lsdb'];
  return [
    {
      name: 'disk 50M',
      rowCount: quick ? 1_000_000 : 50_000_000,
      memory: quick ? '32MiB' : '512MiB',
      repeats: 3,
      peers,
    },
    // Another program at this size would take the disk and the memory of the machine for itself.
    {
      name: 'disk 200M',
      rowCount: quick ? 4_000_000 : 200_000_000,
      memory: quick ? '128MiB' : '2GiB',
      repeats: 1,
      peers: [],
    },
  ];
}

/** The summary of the command line, as far as it is looked at. */
interface Summary {
  readonly row_count: number;
  readonly total_seconds: number;
  readonly spill: {
    readonly bucket_count: number;
    readonly spilled_bytes: number;
    readonly planned_scratch_bytes: number;
    readonly planned_seconds: number;
  };
}

/**
 * Parquet to Parquet by way of the disk, ids and separation, by the command line and by other programs, in turns. The
 * files are read once beforehand: that puts them into the system's cache, and tells what reading them costs alone.
 */
export async function runDiskCase(
  one: DiskCase,
  { peers, with: wanted, folder, log }: BenchOptions,
): Promise<CaseResult> {
  const tables = await diskTables(one.rowCount, log);
  const names = peers ? one.peers.filter((name) => !wanted || wanted.includes(name)) : [];
  const inputBytes = statSync(tables.left).size + statSync(tables.right).size;
  readWhole(tables);
  const reading = readWhole(tables);
  const ours: TreeUsage[] = [];
  const theirs = new Map<string, Awaited<ReturnType<typeof runFilesPeer>>[]>(names.map((name) => [name, []]));
  for (let repeat = 0; repeat < one.repeats; repeat++) {
    log(`  armilla, run ${repeat + 1} of ${one.repeats} …`);
    ours.push(await runCli(tables, one.memory, join(folder, 'disk.parquet')));
    for (const [name, results] of theirs) {
      if (results.some((result) => 'skipped' in result)) continue;
      log(`  ${name} …`);
      results.push(await runOther(name, one.rowCount, tables, join(folder, 'peer.parquet')));
    }
  }
  const summaries = ours.map(({ stdout }) => JSON.parse(stdout) as Summary);
  const times = ours.map(({ seconds }) => seconds);
  const cpuSeconds = median(ours.map((usage) => usage.cpuSeconds));
  const measured = summarise(times, cpuSeconds, Math.max(...ours.map(({ peakRssMib }) => peakRssMib)));
  const others = [...theirs].map(([name, results]) => peerOf(name, results));
  const [{ row_count: pairs, spill }] = summaries;
  return {
    case: one.name,
    rows: `${one.rowCount} x ${one.rowCount}, --memory ${one.memory}`,
    ours: measured,
    peers: others,
    ratio_to_best_peer: ratioToBest(measured.median_s, others),
    facts: {
      pairs,
      buckets: spill.bucket_count,
      scratch_bytes: spill.spilled_bytes,
      scratch_of_plan: round(spill.spilled_bytes / spill.planned_scratch_bytes),
      time_of_plan: round(median(summaries.map((summary) => summary.total_seconds / summary.spill.planned_seconds))),
      input_bytes: inputBytes,
      input_gb_per_cpu_s: round(inputBytes / 1e9 / cpuSeconds),
      plain_read_gb_per_cpu_s: round(inputBytes / 1e9 / reading.cpuSeconds),
      ns_per_row: Math.round((measured.median_s * 1e9) / (2 * one.rowCount)),
    },
  };
}

async function runCli({ left, right }: DiskTables, memory: string, out: string): Promise<TreeUsage> {
  const columns = 'left.id,right.id,separation_arcsec';
  const options = ['--radius', `${RADIUS_ARCSEC}arcsec`, '--columns', columns, '--memory', memory, '--json', '-o', out];
  const usage = await runTree(process.execPath, [bin, 'crossmatch', left, right, ...options]);
  rmSync(out, { force: true });
  if (usage.code !== 0) throw new Error(`armilla crossmatch failed: ${usage.stderr}`);
  return usage;
}

async function runOther(name: string, rowCount: number, { left, right }: DiskTables, out: string) {
  if (name === 'lsdb' && rowCount > MOST_LSDB_ROWS)
    return { name, skipped: `it takes HATS catalogs, and making them of ${rowCount} rows a side is not measured here` };
  return runFilesPeer(`${name}_pairs.py`, [left, right, out, String(RADIUS_ARCSEC)]).finally(() =>
    rmSync(out, { recursive: true, force: true }),
  );
}

function peerOf(name: string, results: readonly Awaited<ReturnType<typeof runFilesPeer>>[]): PeerResult | PeerSkip {
  const done = results.flatMap((result) => ('seconds' in result ? [result] : []));
  if (done.length === 0) return { ...(results[0] as PeerSkip), name };
  const times = done.map(({ seconds }) => seconds);
  return {
    name,
    version: done[0].version,
    min_s: Math.min(...times),
    median_s: median(times),
    pairs: done[0].pairs,
    separation_sum_arcsec: NaN,
    peak_rss_mib: Math.max(...done.map(({ peakRssMib }) => peakRssMib)),
  };
}

/** Every byte of both files, into memory that is used again. */
function readWhole({ left, right }: DiskTables): { cpuSeconds: number } {
  const bytes = new Uint8Array(2 ** 23);
  const before = process.cpuUsage();
  for (const path of [left, right]) {
    const fd = openSync(path, 'r');
    while (readSync(fd, bytes, 0, bytes.length, null) > 0);
    closeSync(fd);
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuSeconds: (user + system) / 1e6 };
}

const round = (value: number): number => Number(value.toPrecision(3));

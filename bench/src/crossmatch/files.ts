import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { writeTable } from '@armilla/tables';
import { Field, Float32, Float64, Int32, Int64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { median, summarise } from '../measure.js';
import type { Sky } from '../memory-table.js';
import { type PeerResult, type PeerSkip, runDuckdbFiles } from '../peers.js';
import { type BenchOptions, type CaseResult, ratioToBest } from './case.js';

const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin', 'armilla.mjs');

/** Payload as catalogs have it: 6 magnitudes, 4 doubles, 3 flags, 2 long numbers. */
const PAYLOAD = [
  ...Array.from({ length: 6 }, (_, i) => new Field(`mag${i}`, new Float32(), false)),
  ...Array.from({ length: 4 }, (_, i) => new Field(`value${i}`, new Float64(), false)),
  ...Array.from({ length: 3 }, (_, i) => new Field(`flag${i}`, new Int32(), false)),
  ...Array.from({ length: 2 }, (_, i) => new Field(`key${i}`, new Int64(), false)),
];
const schema = new Schema([
  new Field('id', new Int64(), false),
  new Field('ra', new Float64(), false),
  new Field('dec', new Float64(), false),
  ...PAYLOAD,
]);

/** The whole command line: two Parquet files with 15 payload columns a side to one of matches. */
export async function runFilesCase({ quick, peers, folder, log }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 100_000 : 10_000_000;
  const paths = { left: join(folder, 'a.parquet'), right: join(folder, 'b.parquet'), out: join(folder, 'c.parquet') };
  const sky = uniformSky(new Random(5), rows);
  for (const side of ['left', 'right'] as const) {
    log(`  writing ${side} …`);
    await writeTable(paths[side], schema, payloadBatches(sky[side], new Random(side === 'left' ? 50 : 51)), {
      format: 'parquet',
      overwrite: true,
    });
  }
  const runs = Array.from({ length: quick ? 2 : 5 }, () => runCli(paths, join(folder, 'usage.json')));
  const others: (PeerResult | PeerSkip)[] = [];
  if (peers) {
    log('  duckdb …');
    const results = Array.from({ length: 3 }, () => runDuckdbFiles(paths.left, paths.right, paths.out, 3));
    const done = results.flatMap((result) => ('seconds' in result ? [result] : []));
    others.push(
      done.length > 0
        ? {
            name: 'duckdb',
            version: done[0].version,
            min_s: Math.min(...done.map(({ seconds }) => seconds)),
            median_s: median(done.map(({ seconds }) => seconds)),
            pairs: done[0].pairs,
            separation_sum_arcsec: NaN,
            peak_rss_mib: NaN,
          }
        : (results[0] as PeerSkip),
    );
  }
  for (const path of Object.values(paths)) rmSync(path, { force: true });
  const ours = summarise(
    runs.map(({ seconds }) => seconds),
    median(runs.map(({ cpu }) => cpu)),
    Math.max(...runs.map(({ rssMib }) => rssMib)),
  );
  return {
    case: 'cli parquet to parquet',
    rows: `${rows} x ${rows}, 18 columns a side`,
    ours,
    peers: others,
    ratio_to_best_peer: ratioToBest(ours.median_s, others),
    facts: { rows_out: runs[0].rowCount },
  };
}

function runCli(
  paths: { left: string; right: string; out: string },
  usage: string,
): { seconds: number; cpu: number; rssMib: number; rowCount: number } {
  const hook = `data:text/javascript,import{writeFileSync}from'node:fs';process.on('exit',()=>writeFileSync(${JSON.stringify(usage)},JSON.stringify(process.resourceUsage())))`;
  const start = performance.now();
  const result = spawnSync(
    process.execPath,
    [
      '--import',
      hook,
      bin,
      'crossmatch',
      paths.left,
      paths.right,
      '--radius',
      '3arcsec',
      '-o',
      paths.out,
      '--overwrite',
      '--json',
    ],
    { encoding: 'utf8' },
  );
  const seconds = (performance.now() - start) / 1000;
  if (result.status !== 0) throw new Error(`armilla crossmatch failed: ${result.stderr}`);
  const used = JSON.parse(readFileSync(usage, 'utf8')) as NodeJS.ResourceUsage;
  const summary = JSON.parse(result.stdout) as { row_count: number };
  return {
    seconds,
    cpu: (used.userCPUTime + used.systemCPUTime) / 1e6,
    rssMib: used.maxRSS / 1024,
    rowCount: summary.row_count,
  };
}

async function* payloadBatches(sky: Sky, random: Random): AsyncGenerator<RecordBatch> {
  const step = 500_000;
  for (let from = 0; from < sky.ra.length; from += step) {
    const length = Math.min(step, sky.ra.length - from);
    const words = new Uint32Array(2 * length);
    for (let i = 0; i < length; i++) words[2 * i] = from + i;
    const columns = [
      new BigInt64Array(words.buffer),
      sky.ra.subarray(from, from + length),
      sky.dec.subarray(from, from + length),
      ...PAYLOAD.map((field) => payload(field, length, random)),
    ];
    const children = columns.map((data, at) =>
      makeData({ type: schema.fields[at].type as Float64, length, nullCount: 0, data: data as Float64Array }),
    );
    yield new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
  }
}

function payload(
  field: Field,
  length: number,
  random: Random,
): Float32Array | Float64Array | Int32Array | BigInt64Array {
  if (field.name.startsWith('mag')) return Float32Array.from({ length }, () => random.between(12, 22));
  if (field.name.startsWith('value')) return Float64Array.from({ length }, () => random.uniform());
  if (field.name.startsWith('flag')) return Int32Array.from({ length }, () => random.below(64));
  const words = new Uint32Array(2 * length);
  for (let i = 0; i < length; i++) {
    words[2 * i] = random.uint32();
    words[2 * i + 1] = random.below(256);
  }
  return new BigInt64Array(words.buffer);
}

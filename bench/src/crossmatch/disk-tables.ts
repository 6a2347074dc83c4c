import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTable } from '@armilla/tables';
import { Field, Float64, Int64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';

/** Two Parquet files of id, ra, dec over the whole sky. */
export interface DiskTables {
  readonly left: string;
  readonly right: string;
}

/** Share of the rows that have a counterpart, and how far it is off on each axis. */
const COUNTERPART_SHARE = 0.6;
const SIGMA_DEG = 0.3 / 3600;
const BATCH_ROWS = 2 ** 18;
const DEG_PER_RAD = 180 / Math.PI;
/** Odd constants of a multiplicative hash, one for each number that a row needs. */
const SALTS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1, 0xd3a2646d, 0xfd7046c5, 0xb55a4f09];

const schema = new Schema([
  new Field('id', new Int64(), false),
  new Field('ra', new Float64(), false),
  new Field('dec', new Float64(), false),
]);

/**
 * The tables of `rowCount` rows a side, made on first use and kept in ARMILLA_BENCH_CACHE (by default a folder of the
 * system's temporary one). A row is a function of its number, so that tables of any size need no memory; right rows come
 * in another order than their counterparts.
 */
export async function diskTables(rowCount: number, log: (line: string) => void): Promise<DiskTables> {
  const folder = process.env.ARMILLA_BENCH_CACHE ?? join(tmpdir(), 'armilla-bench-data');
  mkdirSync(folder, { recursive: true });
  const paths = { left: join(folder, `left-${rowCount}.parquet`), right: join(folder, `right-${rowCount}.parquet`) };
  for (const side of ['left', 'right'] as const) {
    if (existsSync(paths[side])) continue;
    log(`  writing ${paths[side]} …`);
    const part = `${paths[side]}.new.parquet`;
    await writeTable(part, schema, side === 'left' ? leftBatches(rowCount) : rightBatches(rowCount), {
      format: 'parquet',
      overwrite: true,
    });
    renameSync(part, paths[side]);
  }
  return paths;
}

async function* leftBatches(rowCount: number): AsyncGenerator<RecordBatch> {
  for (let from = 0; from < rowCount; from += BATCH_ROWS) {
    const columns = columnsOf(from, Math.min(BATCH_ROWS, rowCount - from));
    for (let i = 0; i < columns.ra.length; i++) place(from + i, 0, columns, i);
    yield batchOf(columns);
  }
}

async function* rightBatches(rowCount: number): AsyncGenerator<RecordBatch> {
  // Steps of a number without a common divisor visit each left row once.
  let step = Math.floor(rowCount * 0.618) | 1;
  while (divisor(step, rowCount) > 1) step += 2;
  let source = 0;
  for (let from = 0; from < rowCount; from += BATCH_ROWS) {
    const columns = columnsOf(from, Math.min(BATCH_ROWS, rowCount - from));
    for (let i = 0; i < columns.ra.length; i++) {
      if (uniform(source, 2) < COUNTERPART_SHARE) {
        place(source, 0, columns, i);
        shift(source, columns, i);
      } else place(source, 3, columns, i);
      source = (source + step) % rowCount;
    }
    yield batchOf(columns);
  }
}

interface Columns {
  readonly id: BigInt64Array;
  readonly ra: Float64Array;
  readonly dec: Float64Array;
}

function columnsOf(from: number, length: number): Columns {
  const words = new Uint32Array(2 * length);
  for (let i = 0; i < length; i++) words[2 * i] = from + i;
  return { id: new BigInt64Array(words.buffer), ra: new Float64Array(length), dec: new Float64Array(length) };
}

/** Anywhere on the sphere, by the two numbers of `row` from `salt` on. */
function place(row: number, salt: number, { ra, dec }: Columns, at: number): void {
  ra[at] = 360 * uniform(row, salt);
  dec[at] = DEG_PER_RAD * Math.asin(2 * uniform(row, salt + 1) - 1);
}

/** Normal errors by Box and Muller (1958). */
function shift(row: number, { ra, dec }: Columns, at: number): void {
  const length = SIGMA_DEG * Math.sqrt(-2 * Math.log(1 - uniform(row, 5)));
  const turn = 2 * Math.PI * uniform(row, 6);
  const east = ra[at] + (length * Math.cos(turn)) / Math.max(1e-6, Math.cos(dec[at] / DEG_PER_RAD));
  ra[at] = ((east % 360) + 360) % 360;
  dec[at] = Math.max(-90, Math.min(90, dec[at] + length * Math.sin(turn)));
}

/** [0, 1) with 53 bits, of 64 that two hashes of the row give. */
function uniform(row: number, salt: number): number {
  const high = mixed(Math.imul(row, SALTS[salt]) ^ salt);
  const low = mixed(high ^ Math.imul(row + 1, SALTS[7 - salt]));
  return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

/** The finaliser of MurmurHash3 (Appleby, public domain). */
function mixed(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

function batchOf({ id, ra, dec }: Columns): RecordBatch {
  const { length } = ra;
  const children = [
    makeData({ type: new Int64(), length, nullCount: 0, data: id }),
    makeData({ type: new Float64(), length, nullCount: 0, data: ra }),
    makeData({ type: new Float64(), length, nullCount: 0, data: dec }),
  ];
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

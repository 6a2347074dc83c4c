import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { openTable, type TableReader, writeHats } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import {
  type CatalogTable,
  crossmatch,
  type MatchContext,
  type MatchOptions,
  type MatchSummary,
  tablePixels,
} from '../index.js';
import { memoryTable, rowsOf, tableOf } from './memory-table.js';

/** Rows around a place where pixels of several orders meet, and some all over the sky. */
export function starsAt(seed: number, count: number): { id: number; ra: number; dec: number }[] {
  const random = new Random(seed);
  const stars = Array.from({ length: count }, (_, id) =>
    id % 3 === 0
      ? { id, ra: random.between(0, 360), dec: (Math.asin(random.between(-1, 1)) * 180) / Math.PI }
      : { id, ra: random.between(44, 46), dec: random.between(-1, 1) },
  );
  // Neighbours within a few arcsec, on both sides of borders.
  return stars.flatMap((star) =>
    star.id % 2 === 0 ? [star] : [star, { ...star, id: star.id + 1e6, dec: star.dec + random.between(0, 8) / 3600 }],
  );
}

export const columnsOf = (stars: readonly { id: number; ra: number; dec: number }[]): Table =>
  tableOf({
    id: BigInt64Array.from(stars, ({ id }) => BigInt(id)),
    // Names that are not guessed: only the catalog says them.
    x: stars.map(({ ra }) => ra),
    y: stars.map(({ dec }) => dec),
  });

export interface Answer {
  readonly rows: Record<string, unknown>[];
  readonly summary: MatchSummary;
  readonly note: string | undefined;
}

/** What does not depend on where a match was done, nor on who named its columns. */
export const timeless = ({ left, right, pairCount, rowCount }: MatchSummary) => ({
  left: { ...left, guessed: undefined },
  right: { ...right, guessed: undefined },
  pairCount,
  rowCount,
});

/** All rows of a reader, which stays open. */
export async function allRows(reader: TableReader): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = [];
  for await (const batch of reader.batches()) for (const row of batch) rows.push({ ...row?.toJSON() });
  return rows;
}

/** The rows of a catalog as one table in memory, which says nothing of itself. */
export async function inMemory(path: string): Promise<Table> {
  const rows = await allRows(await openTable(path));
  return tableOf({
    _healpix_29: BigInt64Array.from(rows, (row) => row._healpix_29 as bigint),
    id: BigInt64Array.from(rows, (row) => row.id as bigint),
    x: rows.map((row) => row.x as number),
    y: rows.map((row) => row.y as number),
  });
}

/** Two catalogs that have stars in common, in a folder of their own, and matches of such catalogs. */
export class HatsMatches implements AsyncDisposable {
  private constructor(
    readonly folder: string,
    readonly runtime: Runtime,
    readonly left: string,
    readonly right: string,
    /** The rows of both as tables, which say nothing of themselves. */
    readonly tables: { readonly left: Table; readonly right: Table },
  ) {}

  static async create(): Promise<HatsMatches> {
    const folder = await mkdtemp(join(tmpdir(), 'armilla-hats-match-'));
    const left = await catalogOf(join(folder, 'left'), columnsOf(starsAt(1, 300)));
    const right = await catalogOf(join(folder, 'right'), columnsOf(starsAt(1, 400)));
    const tables = { left: await inMemory(left), right: await inMemory(right) };
    return new HatsMatches(folder, await Runtime.create({ workerCount: 2 }), left, right, tables);
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  async answer(
    left: TableReader,
    right: TableReader | CatalogTable,
    options: MatchOptions,
    context: Partial<MatchContext> = {},
  ): Promise<Answer> {
    const stream = await crossmatch(left, right, options, { runtime: this.runtime, ...context });
    const batches: RecordBatch[] = [];
    for await (const batch of stream) batches.push(batch);
    return { rows: rowsOf(batches), summary: stream.summary(), note: stream.readNote };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.close();
    await rm(this.folder, { recursive: true });
  }
}

/** Writes a table as a catalog of partitions of at most so many rows. */
export async function catalogOf(
  path: string,
  table: Table,
  properties?: Record<string, string>,
  partitionRows = 40,
): Promise<string> {
  const reader = memoryTable(table, { batchRowCount: 31 });
  const pixels = tablePixels(reader, { ra: 'x', dec: 'y' });
  await writeHats(path, reader.schema, reader.batches(), { pixels, partitionRows, builder: 'test', properties });
  return path;
}

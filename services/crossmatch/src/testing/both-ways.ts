import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '@armilla/gpu-core';
import { openTable, writePickedRows, writeTable } from '@armilla/tables';
import {
  crossmatch,
  type ExecutionOptions,
  type MatchContext,
  type MatchOptions,
  type MatchSummary,
  type ScratchOptions,
  selfMatch,
} from '../index.js';

/** Speed options that cut a join of about a thousand rows into many buckets and ranges. */
export const TINY_BUCKETS: readonly ExecutionOptions[] = [
  { bucketRowCount: 64 },
  { bucketRowCount: 150, chunkRowCount: 77, workerCount: 1 },
  { bucketRowCount: 400, chunkRowCount: 300, cellRowCount: 64 },
];

export interface WrittenMatch {
  readonly bytes: Buffer;
  readonly summary: MatchSummary;
}

/** How one attempt is made and stopped. */
export interface Attempt extends Partial<ScratchOptions> {
  readonly execution?: ExecutionOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: () => void;
}

/** Matches of two files, or of one with itself, in a folder of their own, in memory and by way of the disk. */
export class BothWays implements AsyncDisposable {
  /** Whether matches are assessed. */
  assess = false;

  private constructor(
    readonly folder: string,
    readonly runtime: Runtime,
  ) {}

  static async create(): Promise<BothWays> {
    return new BothWays(await mkdtemp(join(tmpdir(), 'armilla-spill-')), await Runtime.create({ workerCount: 2 }));
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  inMemory(options: MatchOptions, names: readonly string[], execution: ExecutionOptions = {}): Promise<WrittenMatch> {
    return this.#written(options, execution, false, names);
  }

  spilled(options: MatchOptions, names: readonly string[], execution: ExecutionOptions): Promise<WrittenMatch> {
    return this.#written(options, execution, true, names);
  }

  /** Expects the same bytes and the same counts of both ways; gives what was written in memory. */
  async expectSame(
    options: MatchOptions,
    names: readonly string[],
    executions: readonly ExecutionOptions[] = TINY_BUCKETS,
  ): Promise<WrittenMatch> {
    const inMemory = await this.inMemory(options, names);
    expect(inMemory.summary.spill).toBeUndefined();
    for (const execution of executions) {
      const spilled = await this.spilled(options, names, execution);
      expect(spilled.summary.spill).toBeDefined();
      expect(factsOf(spilled.summary)).toEqual(factsOf(inMemory.summary));
      expect(Buffer.compare(spilled.bytes, inMemory.bytes)).toBe(0);
    }
    return inMemory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.close();
    await rm(this.folder, { recursive: true });
  }

  /** One attempt by way of the disk, in a folder that stays where it can be continued. */
  async attempt(
    options: MatchOptions,
    names: readonly string[],
    { execution = { bucketRowCount: 64, chunkRowCount: 300 }, signal, onProgress, ...scratch }: Attempt = {},
  ): Promise<WrittenMatch> {
    const paths = names.map((name) => this.at(name));
    const inputs = { left: paths.slice(0, 1), right: paths.slice(1) };
    return this.#write(options, names, {
      execution,
      signal,
      onProgress,
      scratch: { folder: this.scratch, use: 'always', inputs, ...scratch },
    });
  }

  get scratch(): string {
    return this.at('scratch');
  }

  async #written(
    options: MatchOptions,
    execution: ExecutionOptions,
    spills: boolean,
    names: readonly string[],
  ): Promise<WrittenMatch> {
    const scratch = { folder: this.scratch, use: spills ? 'always' : 'needed' } as const;
    const written = await this.#write(options, names, { execution, scratch });
    expect(existsSync(this.scratch)).toBe(false);
    return written;
  }

  async #write(
    options: MatchOptions,
    names: readonly string[],
    more: Omit<MatchContext, 'runtime'>,
  ): Promise<WrittenMatch> {
    const openLeftAgain = () => openTable(this.at(names[0]));
    const context: MatchContext = { runtime: this.runtime, assess: this.assess, openLeftAgain, ...more };
    const { signal } = context;
    const [left, right] = await Promise.all(names.map((name) => openTable(this.at(name))));
    await using stream = right
      ? await crossmatch(left, right, options, context)
      : await selfMatch(left, options, context);
    const picked = stream.picked();
    const out = this.at('out.parquet');
    if (picked) await writePickedRows(out, stream.schema, picked, { overwrite: true, signal });
    else await writeTable(out, stream.schema, stream, { format: 'parquet', overwrite: true, signal });
    return { bytes: await readFile(out), summary: stream.summary() };
  }
}

/** What does not depend on how a match was done. */
export function factsOf({ left, right, pairCount, rowCount, groupCount, warnings, trust, recentering }: MatchSummary) {
  return { left, right, pairCount, rowCount, groupCount, warnings, trust, recentering };
}

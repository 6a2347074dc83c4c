import { mkdir, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, formatBytes, isProblem } from '@armilla/base';
import type { Schema } from 'apache-arrow';
import { scratchProblem } from './block.js';
import { BlockFile } from './block-file.js';

/** Where a match may keep what does not fit the memory. */
export interface ScratchOptions {
  /** Folder for this match alone: made at the start in one that is there, removed when the result is whole. */
  readonly folder: string;
  /** `needed` (default): where the join does not fit the memory. */
  readonly use?: 'needed' | 'always';
  /** Continue what was interrupted there; begins anew where there is nothing. */
  readonly resume?: boolean;
  /** Files that the tables are read from, by which changed inputs are known; without them there is no resuming. */
  readonly inputs?: { readonly left: readonly string[]; readonly right: readonly string[] };
  /** Keep the folder after the last row, until `MatchStream.removeScratch`: where the result is not safe by then. */
  readonly keep?: boolean;
  /** Bytes that the folder may take; what the disk has by default. */
  readonly maxBytes?: number;
}

/** What a match in a scratch folder is known by: name and digest of everything that its files depend on. */
export type Identity = Readonly<Record<string, string>>;

const MATCH_FILE = 'match';
/** Files of one kind: more threads than that share them. */
const MOST_LANES = 16;

/** The folder of one match: files of blocks, and a record of each finished step from which the match can be continued. */
export class Scratch {
  /** [2] bytes used and allowed. */
  readonly budget: BigInt64Array;
  readonly #files: BlockFile[] = [];
  #resumed: boolean;

  private constructor(
    readonly folder: string,
    resumed: boolean,
    maxBytes: number,
  ) {
    this.#resumed = resumed;
    this.budget = new BigInt64Array(new SharedArrayBuffer(16));
    this.budget[1] = BigInt(Math.min(maxBytes, Number.MAX_SAFE_INTEGER));
  }

  /** Makes the folder or finds the match in it. Throws SCRATCH_EXISTS, SCRATCH_FAILED, RESUME_REFUSED. */
  static async open(options: ScratchOptions, identity: Identity): Promise<Scratch> {
    const { folder, maxBytes = Infinity } = options;
    const found: string[] = await readdir(folder).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw scratchProblem(error, folder);
    });
    const known = found.includes(`${MATCH_FILE}.json`);
    // A process that was killed before the match was written down left nothing else.
    const foreign = found.some((name) => name !== `${MATCH_FILE}.json.part`);
    if (known && options.resume !== true) throw fail('SCRATCH_EXISTS', { where: folder });
    if (!known && foreign)
      throw fail('SCRATCH_FAILED', { where: folder, detail: 'it holds files that are not of a match' });
    const scratch = new Scratch(folder, known, maxBytes);
    if (known) scratch.#compare(await scratch.recorded<Identity>(MATCH_FILE), identity);
    else {
      await mkdir(folder).catch((error: unknown) => {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return;
        if (code !== 'ENOENT') throw scratchProblem(error, folder);
        throw fail('SCRATCH_FAILED', { where: folder, detail: 'the folder above it is not there' }, { cause: error });
      });
      await scratch.record(MATCH_FILE, identity);
    }
    return scratch;
  }

  /** Whether steps of an earlier process may be there. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** Forgets all steps of earlier processes. */
  async beginAnew(): Promise<void> {
    this.#resumed = false;
    try {
      for (const name of await readdir(this.folder))
        if (name !== `${MATCH_FILE}.json`) await rm(join(this.folder, name), { force: true });
    } catch (error) {
      throw scratchProblem(error, this.folder);
    }
  }

  /** Throws SCRATCH_FULL where the disk has less room than `neededBytes`. */
  async check(neededBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder).catch((error: unknown) => {
      throw scratchProblem(error, this.folder);
    });
    const free = Math.min(bavail * bsize, Number(this.budget[1]));
    if (neededBytes > free)
      throw fail('SCRATCH_FULL', {
        where: this.folder,
        needed: formatBytes(neededBytes),
        available: formatBytes(free),
      });
  }

  /** Blocks that `threadCount` threads write; `byteLengths`: what of each file an earlier process has finished. */
  async file(name: string, schema: Schema, threadCount: number, byteLengths?: readonly number[]): Promise<BlockFile> {
    const path = join(this.folder, name);
    const laneCount = Math.min(MOST_LANES, threadCount);
    const file =
      byteLengths === undefined
        ? await BlockFile.create(path, schema, this.budget, laneCount)
        : await BlockFile.reopen(path, schema, this.budget, laneCount, byteLengths);
    this.#files.push(file);
    return file;
  }

  /** Removes blocks that are of no use any more. */
  async drop(file: BlockFile): Promise<void> {
    this.#files.splice(this.#files.indexOf(file), 1);
    await file.close();
    const byteLength = file.byteLengths.reduce((sum, one) => sum + one, 0);
    Atomics.sub(this.budget, 0, BigInt(byteLength));
    for (const { path } of file.shared.lanes) await rm(path, { force: true });
  }

  /** What a finished step left; undefined where it has not been finished. */
  async recorded<T>(step: string): Promise<T | undefined> {
    try {
      return JSON.parse(await readFile(this.#recordPath(step), 'utf8')) as T;
    } catch (error) {
      // A machine that stopped may have left a record of no bytes.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw scratchProblem(error, this.folder);
    }
  }

  /** Keeps what a finished step left: all of it or nothing. */
  async record(step: string, value: unknown): Promise<void> {
    const path = this.#recordPath(step);
    try {
      await writeFile(`${path}.part`, JSON.stringify(value));
      await rename(`${path}.part`, path);
    } catch (error) {
      throw scratchProblem(error, this.folder);
    }
  }

  /** Bytes of all files. */
  get byteLength(): number {
    return this.#files.reduce((sum, file) => sum + file.byteLengths.reduce((all, one) => all + one, 0), 0);
  }

  /** Closes the files; the folder stays for a later process. */
  async close(): Promise<void> {
    for (const file of this.#files.splice(0)) await file.close();
  }

  /** Closes and removes everything. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  #recordPath(step: string): string {
    return join(this.folder, `${step}.json`);
  }

  #compare(found: Identity | undefined, wanted: Identity): void {
    const refuse = (detail: string): never => {
      throw fail('RESUME_REFUSED', { where: this.folder, detail });
    };
    if (typeof found !== 'object' || found === null) return refuse('what it was is not recorded');
    for (const [name, digest] of Object.entries(wanted)) {
      if (digest === '') refuse(`${name} cannot be read again`);
      if (found[name] !== digest) refuse(`${name} changed since it began`);
    }
  }
}

/** Whether a later process, maybe one with more memory, can go on where `error` ended a match: what is wrong with the match itself stays wrong. */
export function isResumable(error: unknown): boolean {
  return !isProblem(error) || /^(CANCELLED|DRAINING|INTERNAL|SCRATCH_|OUTPUT_|MEMORY_)/.test(error.reason);
}

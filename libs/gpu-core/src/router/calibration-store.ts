import { fail } from '@armilla/base';
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { type HardwareKey, keyDifference, machineDigest } from './hardware-key.js';
import { readStoredModels, type StoredModels } from './stored-models.js';

/** By device: settings of its kernels that were chosen by measurement. Whoever uses them checks them. */
export type StoredTuning = Readonly<Record<string, unknown>>;

/** Stored models, or why there are none: the models are then measured again. `missing`: nothing was stored, which is no fault. */
export type Loaded =
  | { readonly models: StoredModels; readonly tuning: StoredTuning }
  | { readonly models: undefined; readonly reason: string; readonly missing: boolean };

const FORMAT = 'armilla-router-2';

/** Keeps models between processes, one JSON file a machine. A bad file is never an error, only a reason. */
export class CalibrationStore {
  readonly path: string;
  /** What was read or written last. */
  #seen = '';

  constructor(
    readonly key: HardwareKey,
    folder: string = defaultFolder(),
  ) {
    this.path = join(folder, `${machineDigest(key)}.json`);
  }

  async load(): Promise<Loaded> {
    let text: string;
    try {
      text = this.#seen = await readFile(this.path, 'utf8');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return refused(`${this.path}: nothing stored yet`, true);
      return refused(`${this.path}: cannot be read: ${message}`);
    }
    let value: { format?: unknown; key?: unknown; models?: unknown; tuning?: unknown } | null;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return refused(`${this.path}: corrupted: ${(error as Error).message}`);
    }
    if (value?.format !== FORMAT) return refused(`${this.path}: foreign: format ${JSON.stringify(value?.format)}`);
    const difference = keyDifference(value.key, this.key);
    if (difference !== undefined) return refused(`${this.path}: stale: ${difference}`);
    const models = readStoredModels(value.models);
    if (typeof models === 'string') return refused(`${this.path}: corrupted: ${models}`);
    const { tuning = {} } = value;
    if (typeof tuning !== 'object' || tuning === null) return refused(`${this.path}: corrupted: tuning is no object`);
    return { models, tuning: tuning as StoredTuning };
  }

  /** Whether another process has stored something since this one read or wrote last. */
  async changed(): Promise<boolean> {
    try {
      return (await readFile(this.path, 'utf8')) !== this.#seen;
    } catch {
      // Nothing that can be read is nothing that another would miss.
      return false;
    }
  }

  /** Writes aside and renames: readers and other writers see a whole file, the last one stays. Throws OUTPUT_WRITE_FAILED. */
  async save(models: StoredModels, tuning: StoredTuning = {}): Promise<void> {
    try {
      await this.#write(models, tuning);
    } catch (cause) {
      throw fail('OUTPUT_WRITE_FAILED', { where: this.path, detail: (cause as Error).message }, { cause });
    }
  }

  async #write(models: StoredModels, tuning: StoredTuning): Promise<void> {
    const folder = join(this.path, '..');
    await makeFolder(folder);
    const text = `${JSON.stringify({ format: FORMAT, key: this.key, models, tuning })}\n`;
    const aside = `${this.path}.${process.pid}-${randomUUID()}.part`;
    try {
      const file = await open(aside, 'wx', 0o644);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, this.path);
      this.#seen = text;
    } finally {
      await rm(aside, { force: true });
    }
  }
}

/** `armilla/router` in the user's folder for state (XDG Base Directory Specification 0.8: absolute, or it is ignored). */
export function defaultFolder(environment: NodeJS.ProcessEnv = process.env, home: string = homedir()): string {
  const state = environment.XDG_STATE_HOME;
  return join(state?.startsWith('/') ? state : join(home, '.local', 'state'), 'armilla', 'router');
}

/** Makes a folder and those above it. `mkdir` with `recursive` never ends where a parent takes no folders (/proc on Node.js 20). */
async function makeFolder(path: string, tries = 2): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || tries === 1 || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path, 1);
  }
}

function refused(reason: string, missing = false): Loaded {
  return { models: undefined, reason, missing };
}

import { mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail } from '@armilla/base';
import { notCreated, writing } from '../../table/output.js';
import { isCatalogFolder } from '../catalog.js';

/** What a catalog that is replaced may hold: nothing else is ever removed. */
const CATALOG_ENTRIES =
  /^(?:hats\.properties|properties|partition_info\.csv|dataset|point_map\.fits|skymap(?:\.\d+)?\.fits|per_partition_statistics\.parquet|data_thumbnail\.parquet)$/;

export interface FolderOptions {
  /** Replace a catalog that is there. */
  readonly overwrite?: boolean;
}

/** Throws OUTPUT_EXISTS or OUTPUT_NOT_CREATED for what is known of the folder before there is anything to write. */
export async function checkFolderOutput(path: string, { overwrite }: FolderOptions = {}): Promise<void> {
  await targetOf(path, overwrite === true);
}

let partCount = 0;

/** A folder that is written beside its place and gets its name when it is whole: under the name there is all of it or nothing new. */
export class FolderOutput {
  private constructor(
    private readonly path: string,
    private readonly target: string,
    private readonly overwrite: boolean,
    /** Where it is written. */
    readonly part: string,
  ) {}

  static async create(path: string, { overwrite = false }: FolderOptions = {}): Promise<FolderOutput> {
    const target = await targetOf(path, overwrite);
    const part = `${target}.${process.pid}-${++partCount}.part`;
    await mkdir(part).catch((error: unknown) => {
      throw notCreated(path, error);
    });
    return new FolderOutput(path, target, overwrite, part);
  }

  /** Gives the folder its name; all files in it are on the disk already. */
  async commit(): Promise<void> {
    await this.#syncFolders(this.part);
    await targetOf(this.path, this.overwrite);
    const old = (await isThere(this.target)) ? `${this.part.slice(0, -'.part'.length)}.old` : undefined;
    if (old) await writing(this.path, rename(this.target, old));
    try {
      await writing(this.path, rename(this.part, this.target));
    } catch (error) {
      if (old) await rename(old, this.target).catch(() => undefined);
      throw error;
    }
    await syncFolder(dirname(this.target));
    if (old) await rm(old, { recursive: true, force: true });
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    await rm(this.part, { recursive: true, force: true }).catch(() => undefined);
  }

  async #syncFolders(folder: string): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isDirectory()) await this.#syncFolders(join(folder, entry.name));
    await syncFolder(folder);
  }
}

/** The real path of what may be written to. */
async function targetOf(path: string, overwrite: boolean): Promise<string> {
  const name = path.replace(/[\\/]+$/, '') || path;
  try {
    const found = await stat(name).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return join(await realpath(dirname(name)), basename(name));
    const target = await realpath(name);
    if (!found.isDirectory())
      throw fail('OUTPUT_NOT_CREATED', { where: path, detail: 'it is a file, and a catalog is a folder' });
    const entries = await readdir(target);
    if (entries.length === 0) return target;
    const others = entries.filter((entry) => !CATALOG_ENTRIES.test(entry));
    if (others.length > 0 || !(await isCatalogFolder(target))) {
      const detail = `it is a folder that is no HATS catalog${others.length > 0 ? ` (it holds '${others[0]}')` : ''}; such folders are not replaced`;
      throw fail('OUTPUT_NOT_CREATED', { where: path, detail });
    }
    if (!overwrite) throw fail('OUTPUT_EXISTS', { where: path });
    return target;
  } catch (error) {
    throw notCreated(path, error);
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Makes names in a folder last; a file system that cannot do that is no reason to call its files failed. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

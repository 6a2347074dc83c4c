import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openDiskFile } from '../../table/diskFile.js';
import { type OutputFile, writing } from '../../table/output.js';

/** Files that are on their way to the disk at a time: a file system brings many there in the time of a few. */
const SYNCS_AT_ONCE = 32;

/** Writes many files, one after the other, below a folder; each is brought to the disk while the next ones are written. */
export class FolderFiles {
  readonly #ending: Promise<void>[] = [];
  #folder = '';

  constructor(
    private readonly folder: string,
    /** What messages call the output. */
    private readonly where: string,
  ) {}

  /** Writes one file, of what `write` gives to its sink; the file is not safe before `synced`. */
  async write<T>(path: string, write: (sink: (bytes: Uint8Array) => Promise<void>) => Promise<T>): Promise<T> {
    const place = join(this.folder, path);
    if (dirname(place) !== this.#folder) await writing(this.where, mkdir(dirname(place), { recursive: true }));
    this.#folder = dirname(place);
    const file = await writing(this.where, openDiskFile(place, undefined));
    let result: T;
    try {
      result = await write((bytes) => writing(this.where, file.write(bytes)));
    } catch (error) {
      await file.close();
      throw error;
    }
    this.#end(file);
    if (this.#ending.length >= SYNCS_AT_ONCE) await this.#ending.shift();
    return result;
  }

  /** All files are on the disk then. Throws what became of any of them. */
  async synced(): Promise<void> {
    for (const ending of this.#ending) await ending;
  }

  /** To be called in any case: no file is open then. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ending);
  }

  #end(file: OutputFile): void {
    const ending = writing(this.where, file.sync()).finally(() => file.close());
    // Whoever writes next, or waits for all, is told.
    ending.catch(() => undefined);
    this.#ending.push(ending);
  }
}

import { fail, formatBytes } from '@armilla/base';
import type { CatalogTable } from './catalog-table.js';

export interface StoredTablesOptions {
  /** Bytes that all tables together may hold. */
  readonly quotaBytes: number;
  readonly defaultTtlSeconds: number;
  /** Milliseconds since the epoch; replaced in tests. */
  readonly now?: () => number;
}

export interface StoredTableInfo {
  readonly name: string;
  readonly table: CatalogTable;
  /** SHA-256 of schema and values, hexadecimal. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly createTime: Date;
  readonly expireTime: Date;
}

/** A stored table in use: it stays in memory until disposed of, also when it is deleted, replaced or expires meanwhile. */
export interface TableLease extends AsyncDisposable {
  readonly info: StoredTableInfo;
}

interface Entry extends StoredTableInfo {
  readonly ttlSeconds: number;
  expireTime: Date;
  users: number;
  /** No longer found by its name; disposed of when nobody uses it. */
  gone: boolean;
}

export const MAX_TTL_SECONDS = 31_536_000;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}$/;
/** setTimeout's limit. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Tables kept under names, each until a time after its last use; together within a quota. */
export class StoredTables implements AsyncDisposable {
  readonly #entries = new Map<string, Entry>();
  readonly #leaving = new Set<Entry>();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: StoredTablesOptions) {
    this.#now = options.now ?? Date.now;
  }

  /** Throws HANDLE_INVALID or HANDLE_EXISTS: to be asked before a table is read. */
  check(name: string, replace: boolean): void {
    if (!NAME.test(name)) throw fail('HANDLE_INVALID', { got: name.slice(0, 200) });
    this.#expire();
    if (!replace && this.#entries.has(name)) throw fail('HANDLE_EXISTS', { name });
  }

  /** Throws OPTION_INVALID unless a time to live is in range; undefined and 0 mean the default. */
  ttlSeconds(seconds: number | undefined): number {
    if (seconds === undefined || seconds === 0) return this.options.defaultTtlSeconds;
    if (Number.isInteger(seconds) && seconds > 0 && seconds <= MAX_TTL_SECONDS) return seconds;
    throw fail('OPTION_INVALID', {
      field: 'ttl_seconds',
      expected: `an integer in [1, ${MAX_TTL_SECONDS}]`,
      got: seconds,
    });
  }

  /** Bytes that another table may still take; `replacing` counts as free. Throws QUOTA_EXCEEDED when `bytes` is more. */
  checkQuota(bytes: number, replacing?: string): void {
    const held = [...this.#entries.values(), ...this.#leaving].reduce(
      (sum, entry) => sum + (entry.name === replacing && !entry.gone ? 0 : entry.sizeBytes),
      0,
    );
    const { quotaBytes } = this.options;
    if (held + bytes > quotaBytes)
      throw fail('QUOTA_EXCEEDED', {
        limit: formatBytes(quotaBytes),
        used: formatBytes(held),
        needed: formatBytes(bytes),
      });
  }

  /** Takes `table` over; it is disposed of when refused (HANDLE_EXISTS, QUOTA_EXCEEDED). */
  async put(
    name: string,
    table: CatalogTable,
    digest: string,
    options: { ttlSeconds?: number; replace?: boolean } = {},
  ): Promise<StoredTableInfo> {
    try {
      this.check(name, options.replace ?? false);
      this.checkQuota(table.bytes, name);
      const ttlSeconds = this.ttlSeconds(options.ttlSeconds);
      const now = this.#now();
      const entry: Entry = {
        name,
        table,
        digest,
        sizeBytes: table.bytes,
        ttlSeconds,
        createTime: new Date(now),
        expireTime: new Date(now + ttlSeconds * 1000),
        users: 0,
        gone: false,
      };
      const old = this.#entries.get(name);
      this.#entries.set(name, entry);
      this.#schedule();
      if (old) await this.#leave(old);
      return entry;
    } catch (error) {
      await table.dispose();
      throw error;
    }
  }

  /** Throws HANDLE_NOT_FOUND. Counts as a use. */
  use(name: string): TableLease {
    const entry = this.#find(name);
    entry.users++;
    this.#touch(entry);
    let released = false;
    return {
      info: entry,
      [Symbol.asyncDispose]: async () => {
        if (released) return;
        released = true;
        entry.users--;
        this.#touch(entry);
        if (entry.gone && entry.users === 0) await this.#dispose(entry);
      },
    };
  }

  /** Throws HANDLE_NOT_FOUND. */
  get(name: string): StoredTableInfo {
    return this.#find(name);
  }

  /** By name. */
  list(): StoredTableInfo[] {
    this.#expire();
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Throws HANDLE_NOT_FOUND. Matches that run on the table finish first; then its memory is given back. */
  async delete(name: string): Promise<void> {
    const entry = this.#find(name);
    this.#entries.delete(name);
    await this.#leave(entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    const all = [...this.#entries.values(), ...this.#leaving];
    this.#entries.clear();
    await Promise.all(all.map((entry) => this.#dispose(entry)));
  }

  #find(name: string): Entry {
    this.#expire();
    const entry = this.#entries.get(name);
    if (!entry) throw fail('HANDLE_NOT_FOUND', { name: name.slice(0, 200) });
    return entry;
  }

  #touch(entry: Entry): void {
    entry.expireTime = new Date(this.#now() + entry.ttlSeconds * 1000);
    this.#schedule();
  }

  /** Tables in use do not expire. */
  #expire(): void {
    const now = this.#now();
    for (const entry of [...this.#entries.values()]) {
      if (entry.users > 0 || entry.expireTime.getTime() > now) continue;
      this.#entries.delete(entry.name);
      void this.#leave(entry);
    }
  }

  async #leave(entry: Entry): Promise<void> {
    entry.gone = true;
    if (entry.users === 0) await this.#dispose(entry);
    else this.#leaving.add(entry);
  }

  async #dispose(entry: Entry): Promise<void> {
    this.#leaving.delete(entry);
    await entry.table.dispose();
  }

  /** One timer for the table that expires next; it does not keep the process alive. */
  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#entries.size === 0) return;
    const next = Math.min(...[...this.#entries.values()].map((entry) => entry.expireTime.getTime()));
    this.#timer = setTimeout(
      () => {
        this.#expire();
        this.#schedule();
      },
      Math.min(MAX_TIMER_MS, Math.max(1000, next - this.#now())),
    );
    this.#timer.unref();
  }
}

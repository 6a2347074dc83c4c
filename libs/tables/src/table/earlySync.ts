const SYNC_BYTES = 64 << 20;

/** Has written bytes reach the disk while more are computed, so that the sync at the end of a large file is short. */
export class EarlySync {
  #unsynced = 0;
  #running: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param sync brings what was written to the disk */
  constructor(private readonly sync: () => Promise<void>) {}

  /** To be told of each write; throws what a sync before it threw. */
  wrote(byteCount: number): void {
    if (this.#failure) throw this.#failure.error;
    this.#unsynced += byteCount;
    if (this.#unsynced < SYNC_BYTES || this.#running) return;
    this.#unsynced = 0;
    this.#running = this.sync().then(
      () => (this.#running = undefined),
      (error: unknown) => {
        this.#failure = { error };
        this.#running = undefined;
      },
    ) as Promise<void>;
  }

  /** When no sync is under way any more, failed or not: the file may be closed then. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Waits for the sync that is under way and throws what any threw. */
  async finish(): Promise<void> {
    await this.#running;
    if (this.#failure) throw this.#failure.error;
    await this.sync();
  }
}

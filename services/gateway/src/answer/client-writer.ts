import { fail } from '@armilla/base';
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { Pace } from '../upload/pace.js';

export type RawResponse = ServerResponse | Http2ServerResponse;

export interface ReaderLimits {
  /** A reader that takes less while we wait for it is ended. */
  readonly minBytesPerSecond: number;
  readonly paceSeconds: number;
}

/** So much is handed to the socket before its callback is awaited: progress of a slow reader shows at this grain … */
const SLICE_BYTES = 64 << 10;
/** … and so much at a time to a reader that takes each slice within this time. */
const LARGE_SLICE_BYTES = 256 << 10;
const QUICK_MS = 20;
/** Shorter parts are copied together: each write has its price. */
const SMALL_PART_BYTES = 16 << 10;
const STUCK_MS = 200;

/** Writes an answer at the pace of its reader: at most one slice is under way, whatever the size of the parts. */
export class ClientWriter {
  readonly #pace: Pace;
  #stopped: { reason: unknown } | undefined;
  #rejectWrite: ((reason: unknown) => void) | undefined;
  #writingSinceMs: number | undefined;
  #sliceBytes = SLICE_BYTES;
  readonly #onAbort = (): void => this.#stop(this.signal.reason);

  /**
   * @param uploading whether the client is still sending: then a slow reader is not blamed, as many clients read
   *   nothing before they have sent everything
   */
  constructor(
    readonly response: RawResponse,
    limits: ReaderLimits,
    private readonly signal: AbortSignal,
    private readonly uploading: () => boolean,
    private readonly onBytes: (byteCount: number) => void = () => undefined,
  ) {
    signal.addEventListener('abort', this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    this.#pace = new Pace(limits.minBytesPerSecond, limits.paceSeconds * 1000, (rate) =>
      this.#stop(
        fail('READER_TOO_SLOW', {
          rate: Math.round(rate),
          limit: limits.minBytesPerSecond,
          seconds: limits.paceSeconds,
        }),
      ),
    );
  }

  /** Whether the reader has taken nothing for a while. */
  get stuck(): boolean {
    return this.#writingSinceMs !== undefined && performance.now() - this.#writingSinceMs > STUCK_MS;
  }

  async write(parts: readonly Uint8Array[]): Promise<void> {
    let group: Uint8Array[] = [];
    let groupBytes = 0;
    for (const part of parts) {
      for (let at = 0; at < part.byteLength;) {
        const slice = part.subarray(at, at + this.#sliceBytes - groupBytes);
        at += slice.byteLength;
        group.push(slice);
        groupBytes += slice.byteLength;
        if (groupBytes < this.#sliceBytes) continue;
        await this.#flush(group, groupBytes);
        group = [];
        groupBytes = 0;
      }
    }
    if (groupBytes > 0) await this.#flush(group, groupBytes);
  }

  /** Resolves when the last byte has been handed to the system. */
  async end(): Promise<void> {
    await this.#settled((done) => (this.response as ServerResponse).end(() => done()));
  }

  release(): void {
    this.#pace.stop();
    this.signal.removeEventListener('abort', this.#onAbort);
  }

  async #flush(group: readonly Uint8Array[], byteCount: number): Promise<void> {
    const sinceMs = (this.#writingSinceMs = performance.now());
    if (!this.uploading()) this.#pace.waiting();
    const response = this.response as ServerResponse;
    await this.#settled((done) => {
      const pieces = joinSmall(group);
      pieces.forEach((bytes, i) => (i < pieces.length - 1 ? response.write(bytes) : response.write(bytes, done)));
    });
    this.#pace.moved(byteCount);
    this.#writingSinceMs = undefined;
    this.#sliceBytes = performance.now() - sinceMs < QUICK_MS ? LARGE_SLICE_BYTES : SLICE_BYTES;
    this.onBytes(byteCount);
  }

  async #settled(start: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
    await new Promise<void>((resolve, reject) => {
      this.#rejectWrite = reject;
      start((error) => (error ? reject(fail('CANCELLED', {}, { cause: error })) : resolve()));
    });
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#rejectWrite?.(reason);
  }
}

/** The same bytes in fewer parts. */
function joinSmall(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = (): void => {
    if (small.length > 0) joined.push(small.length === 1 ? small[0] : Buffer.concat(small));
    small = [];
  };
  for (const part of parts) {
    if (part.byteLength < SMALL_PART_BYTES) {
      small.push(part);
      continue;
    }
    flush();
    joined.push(part);
  }
  flush();
  return joined;
}

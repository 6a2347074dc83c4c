import type { Problem } from '@armilla/base';
import type { MatchSummary, Progress, StreamSummary, TablesSummary } from '@armilla/proto';

/** What is known of a match that ran through this gateway. */
export interface RecentResult {
  state: 'running' | 'complete' | 'failed';
  progress: Progress | undefined;
  summary: MatchSummary | TablesSummary | undefined;
  /** Rows, batches and checksum of the stream that was sent. */
  stream: StreamSummary | undefined;
  failure: Problem | undefined;
  /** By the monotonic clock; running results do not expire. */
  expiresMs: number;
}

/** Who asked, by what id. */
export interface Requester {
  readonly requestId: string;
  readonly principal: string | undefined;
}

const MAX_RESULTS = 10_000;

/** The matches of the last minutes, by request id (and principal, where tokens are asked for); the oldest finished ones go first when there are too many. */
export class RecentResults {
  readonly #results = new Map<string, RecentResult>();

  constructor(private readonly ttlMs: number) {}

  begin({ requestId, principal }: Requester): RecentResult {
    this.#forgetOld();
    const result: RecentResult = {
      state: 'running',
      progress: undefined,
      summary: undefined,
      stream: undefined,
      failure: undefined,
      expiresMs: Infinity,
    };
    const key = keyOf(requestId, principal);
    this.#results.delete(key);
    this.#results.set(key, result);
    return result;
  }

  complete(result: RecentResult): void {
    result.state = 'complete';
    result.expiresMs = performance.now() + this.ttlMs;
  }

  fail(result: RecentResult, problem: Problem): void {
    result.state = 'failed';
    result.failure = problem;
    result.expiresMs = performance.now() + this.ttlMs;
  }

  get(requestId: string, principal: string | undefined): RecentResult | undefined {
    const result = this.#results.get(keyOf(requestId, principal));
    return result !== undefined && result.expiresMs > performance.now() ? result : undefined;
  }

  #forgetOld(): void {
    const now = performance.now();
    let excess = this.#results.size - MAX_RESULTS + 1;
    for (const [key, result] of this.#results) {
      if (result.state === 'running') continue;
      // They stand in the order of their beginning: what comes behind a fresh one is hardly older.
      if (result.expiresMs > now && excess <= 0) return;
      this.#results.delete(key);
      excess--;
    }
  }
}

/** A request id has no line break. */
const keyOf = (requestId: string, principal: string | undefined): string =>
  principal === undefined ? requestId : `${requestId}\n${principal}`;

import { fail, type Problem } from '@armilla/base';
import type {
  GetResultResponse,
  MatchSummary as ProtoSummary,
  RowProblem,
  TablesSummary as ProtoTablesSummary,
} from '@armilla/proto';
import type { RejectedRow } from '../positions.js';
import type { Evidence } from '../trust/assess.js';
import { protoRejected } from './describe.js';

/** Rejected rows kept of each table. */
export const MAX_REJECTED_ROWS = 100_000;
/** Results kept at most: the oldest finished ones go first. */
const MAX_RESULTS = 10_000;
/** Rejected rows kept of all results together. */
const MAX_ALL_REJECTED_ROWS = 2_000_000;
/** Evidence of an assessed match takes up to 16 MiB: that of the last ones is kept. */
const MAX_EVIDENCE = 8;

export type MatchOutcome =
  | { readonly summary: ProtoSummary; readonly evidence?: Evidence }
  | { readonly tablesSummary: ProtoTablesSummary }
  | { readonly failure: Problem };

/** What is known of one match. */
export class MatchRecord {
  /** By number of the table in the call. */
  readonly #rejected = new Map<number, Omit<RejectedRow, 'table'>[]>();
  summary: ProtoSummary | undefined;
  tablesSummary: ProtoTablesSummary | undefined;
  failure: Problem | undefined;
  evidence: Evidence | undefined;
  endedAtMs: number | undefined;

  constructor(readonly key: string) {}

  addRejected(table: number, row: Omit<RejectedRow, 'table'>): void {
    const rows = this.#rejected.get(table) ?? [];
    this.#rejected.set(table, rows);
    if (rows.length < MAX_REJECTED_ROWS) rows.push(row);
  }

  get rejectedCount(): number {
    return [...this.#rejected.values()].reduce((sum, rows) => sum + rows.length, 0);
  }

  /** At most so many rejected rows, table by table. */
  rejected(limit: number): RowProblem[] {
    return [...this.#rejected]
      .sort(([a], [b]) => a - b)
      .flatMap(([table, rows]) => rows.map((row) => protoRejected(table, row)))
      .slice(0, limit);
  }
}

/**
 * Summaries and rejected rows of recent matches, by request id; the finished ones for a time. Where tokens are asked for,
 * each principal has request ids of its own and sees no other's.
 */
export class MatchResults {
  readonly #records = new Map<string, MatchRecord>();
  /** Rejected rows of the finished records. */
  #rejectedCount = 0;

  constructor(
    private readonly ttlSeconds: number,
    private readonly now: () => number = Date.now,
  ) {}

  /** A new record; of two matches with one request id the later is kept. */
  open(requestId: string, principal?: string): MatchRecord {
    this.#forget();
    const record = new MatchRecord(keyOf(requestId, principal));
    const old = this.#records.get(record.key);
    if (old) this.#drop(record.key, old);
    this.#records.set(record.key, record);
    return record;
  }

  close(record: MatchRecord, outcome: MatchOutcome): void {
    if ('summary' in outcome) {
      record.summary = outcome.summary;
      record.evidence = outcome.evidence;
    } else if ('tablesSummary' in outcome) record.tablesSummary = outcome.tablesSummary;
    else record.failure = outcome.failure;
    record.endedAtMs = this.now();
    // A later match of the same request id has taken the place.
    if (this.#records.get(record.key) !== record) return;
    this.#rejectedCount += record.rejectedCount;
    this.#forget();
    if (!record.evidence) return;
    const assessed = [...this.#records.values()].filter(({ evidence }) => evidence !== undefined);
    for (const old of assessed.slice(0, -MAX_EVIDENCE)) old.evidence = undefined;
  }

  /** What an assessed match was measured on. Throws RESULT_NOT_FOUND, also where it is no longer kept. */
  evidence(requestId: string, principal?: string): Evidence {
    const { evidence } = this.#record(requestId, principal);
    if (evidence) return evidence;
    throw fail('RESULT_NOT_FOUND', { request_id: requestId.slice(0, 80) });
  }

  /** Throws RESULT_NOT_FOUND. */
  get(requestId: string, rejectedLimit: number, principal?: string): GetResultResponse {
    const record = this.#record(requestId, principal);
    if (rejectedLimit < 0 || rejectedLimit > MAX_REJECTED_ROWS)
      throw fail('OPTION_INVALID', {
        field: 'rejected_limit',
        expected: `in [0, ${MAX_REJECTED_ROWS}]`,
        got: rejectedLimit,
      });
    return {
      summary: record.summary,
      tablesSummary: record.tablesSummary,
      rejected: record.rejected(rejectedLimit),
      failureReason: record.failure?.reason ?? '',
      failureMessage: record.failure?.message ?? '',
    };
  }

  #record(requestId: string, principal: string | undefined): MatchRecord {
    this.#forget();
    const record = this.#records.get(keyOf(requestId, principal));
    if (record && (record.endedAtMs ?? Infinity) > this.now() - this.ttlSeconds * 1000) return record;
    throw fail('RESULT_NOT_FOUND', { request_id: requestId.slice(0, 80) });
  }

  /** Records stand in the order of their beginning, so that what is too old stands in front. */
  #forget(): void {
    const oldest = this.now() - this.ttlSeconds * 1000;
    for (const [id, record] of this.#records) {
      const tooMany = this.#records.size > MAX_RESULTS || this.#rejectedCount > MAX_ALL_REJECTED_ROWS;
      if (record.endedAtMs === undefined) continue;
      if (record.endedAtMs > oldest && !tooMany) return;
      this.#drop(id, record);
    }
  }

  #drop(id: string, record: MatchRecord): void {
    this.#records.delete(id);
    if (record.endedAtMs !== undefined) this.#rejectedCount -= record.rejectedCount;
  }
}

/** A request id has no line break. */
const keyOf = (requestId: string, principal: string | undefined): string =>
  principal === undefined ? requestId : `${requestId}\n${principal}`;

import type { Frame } from '@armilla/chassis';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { Exchange } from '../http/exchange.js';
import type { MatchDraft } from '../options/match-options.js';
import type { RecentResult } from '../results/recent-results.js';
import type { UploadedTable } from '../upload/match-upload.js';
import { answerOf } from './answer-of-call.js';
import { ipcOfFrames } from './ipc-frames.js';
import { sendTables } from './send-tables.js';

/** A call of the service that takes tables and gives matched rows. */
export interface MatchCall<Draft extends MatchDraft> {
  readonly open: (exchange: Exchange) => ClientDuplexStream<Frame, Frame>;
  /** The message that opens the call. */
  readonly request: (draft: Draft, requestId: string) => Uint8Array;
  /** Headers of the service that are passed on. */
  readonly passedHeaders: readonly string[];
  readonly readSummary: (json: unknown) => RecentResult['summary'];
}

export interface OpenMatch<Draft extends MatchDraft> {
  readonly draft: Draft;
  /** The answer as an Arrow IPC stream; its parts are views on received frames. */
  readonly answer: AsyncIterable<readonly Uint8Array[]>;
  /** Headers of the service; there before the first part of the answer. */
  headers(): Record<string, string>;
  /** Resolves when nothing is sent any more and what waited on disk is removed. */
  readonly sent: Promise<void>;
}

/**
 * Runs one match: tables to the service as frames, the answer back as IPC bytes, both at the pace of the slower end.
 * `tables` says the options before it gives the first table. A failure on the way to the service ends the exchange
 * with its reason, so that the answer fails with it too.
 */
export async function openMatch<Draft extends MatchDraft>(
  exchange: Exchange,
  { open, request, passedHeaders, readSummary }: MatchCall<Draft>,
  result: RecentResult,
  tables: (onOptions: (draft: Draft) => void) => AsyncGenerator<UploadedTable, void, undefined>,
  framesOf: (table: UploadedTable) => AsyncIterable<Frame>,
): Promise<OpenMatch<Draft>> {
  const settled: { draft?: Draft } = {};
  const iterator = tables((draft) => (settled.draft = draft));
  const first = await iterator.next();
  const { draft } = settled;
  if (draft === undefined) throw new TypeError('the options come before the first table');
  if (draft.timeoutMs !== undefined) exchange.setTimeout(draft.timeoutMs);

  let opening: Uint8Array;
  try {
    opening = request(draft, exchange.requestId);
  } catch (error) {
    await iterator.return();
    throw error;
  }
  const call = open(exchange);
  const { messages: answered, headers } = answerOf<Frame>(call, passedHeaders, exchange.signal);

  async function* frames(): AsyncGenerator<Frame, void, undefined> {
    for (let next = first; !next.done; next = await iterator.next()) yield* framesOf(next.value);
  }
  const sent = sendTables(call, opening, frames(), exchange.signal)
    .catch((error: unknown) => exchange.abort(error))
    .finally(() => iterator.return());

  return {
    draft,
    answer: ipcOfFrames(answered, {
      onProgress: (progress) => (result.progress = progress),
      onSummary: (summary) => {
        result.stream = summary;
        result.summary = summary.detailJson === '' ? undefined : readSummary(JSON.parse(summary.detailJson));
      },
    }),
    headers,
    sent,
  };
}

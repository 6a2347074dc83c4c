import type { ProblemJson } from '@armilla/base';
import type { WrittenFormat } from './format.js';
import type { OpenOptions } from './open.js';

/** What a table worker may have sent without the consumer having taken it. */
export const WINDOW_BYTES = 2 ** 21;

/** One job of a worker thread: bytes come in when it pulls, bytes go out within the window. */
export type Job =
  | { readonly kind: 'open'; readonly name: string; readonly path: string | undefined; readonly options: OpenOptions }
  | {
      readonly kind: 'encode';
      readonly format: WrittenFormat;
      readonly where: string;
      readonly metadata: Readonly<Record<string, string>> | undefined;
    };

/** What a table says when it has been read. */
export interface ReadNotes {
  /** Values that became null, by column. */
  readonly misfits: ReadonlyMap<string, number>;
  /** What who uses it should know. */
  readonly warnings: readonly string[];
}

export type ToWorker =
  | { readonly type: 'start'; readonly job: Job }
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  | { readonly type: 'inputEnd' }
  /** The consumer has taken so many bytes. */
  | { readonly type: 'taken'; readonly byteCount: number };

export type FromWorker =
  | { readonly type: 'pull' }
  | { readonly type: 'output'; readonly parts: readonly Uint8Array[]; readonly byteCount: number }
  | { readonly type: 'done'; readonly notes: ReadNotes }
  | { readonly type: 'failed'; readonly problem: ProblemJson };

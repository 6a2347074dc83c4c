import type { ProblemJson } from '@armilla/base';

// Between a process and the child that decodes foreign Parquet for it: requests and replies are lines of JSON, the table
// itself is an Arrow IPC stream on the child's standard output, one per `read`.

/** File descriptors of the child. */
export const FILE_FD = 3;
export const REPLY_FD = 4;

export type Request =
  | {
      readonly kind: 'open';
      readonly where: string;
      readonly columns: readonly string[] | undefined;
      readonly memoryBytes: number;
    }
  | {
      readonly kind: 'read';
      readonly columns: readonly string[] | undefined;
      readonly batchRowCount: number | undefined;
    };

export type Reply =
  | {
      readonly kind: 'opened';
      readonly rowCount: number;
      /** Base64 of an Arrow stream that holds the schema only. */
      readonly schema: string;
    }
  | { readonly kind: 'read' }
  | { readonly kind: 'problem'; readonly problem: ProblemJson };

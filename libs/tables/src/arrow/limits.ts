/** What a stream may ask for before it is refused with ARROW_LIMIT. All of them count what a hostile stream can claim. */
export interface ArrowLimits {
  /** Flatbuffer header of one message, bytes. */
  readonly headerBytes: number;
  /** Body of one message, bytes; also what it may grow to by decompression and by expansion of views and runs. */
  readonly messageBytes: number;
  /** Rows of one record batch, and of each of its children. */
  readonly batchRowCount: number;
  /** Record batches of one stream. */
  readonly batchCount: number;
  /** Fields of the schema, nested ones included. */
  readonly fieldCount: number;
  /** Levels of nesting of one column. */
  readonly depth: number;
  /** Values of one dictionary, all its deltas together. */
  readonly dictionaryRowCount: number;
  /** Bytes held by the dictionaries of one stream. */
  readonly dictionaryBytes: number;
}

export const DEFAULT_ARROW_LIMITS: ArrowLimits = {
  headerBytes: 16 * 2 ** 20,
  messageBytes: 2 ** 30,
  batchRowCount: 2 ** 28,
  batchCount: 2 ** 24,
  fieldCount: 2 ** 16,
  depth: 64,
  dictionaryRowCount: 2 ** 26,
  dictionaryBytes: 2 ** 30,
};

export function arrowLimits(limits: Partial<ArrowLimits> | undefined): ArrowLimits {
  return limits ? { ...DEFAULT_ARROW_LIMITS, ...limits } : DEFAULT_ARROW_LIMITS;
}

/** What a search for the pairs of left rows works on: addresses in the heap of the index. */
export interface JoinTasks {
  /** A structure JOIN, filled but for `answers`. */
  readonly params: number;
  /** Structures TASK, of which each has left records of one cell, in the order of the table. */
  readonly tasks: number;
  readonly taskCount: number;
  /** Left records by cell. */
  readonly records: number;
  readonly recordCount: number;
  /** To be called now and then. Throws MAX_PAIRS_EXCEEDED. */
  checkPairs(): void;
}

import type { RecordBatch, Schema } from 'apache-arrow';
import type { ValueBounds } from '../parquet/format/metadata.js';
import type { SkippedRows } from '../hats/skipped-rows.js';
import type { Format } from './format.js';
import type { TablePart } from './provenance.js';

export interface BatchOptions {
  /** Columns to read, in this order; all when left out. */
  readonly columns?: readonly string[];
  /** Rows per batch, about; a format may keep its own borders. */
  readonly batchRowCount?: number;
  readonly signal?: AbortSignal;
  /** Rows that need not be read; a format that knows nothing of its values beforehand gives them all. */
  readonly skipping?: RowSkipping;
}

/** Leaves out rows that cannot be wanted, by what a format says of the values of many of them. */
export interface RowSkipping {
  /** `boundsOf` gives the smallest and largest value of a column among the rows in question, as far as they are known. */
  canSkip(boundsOf: (column: string) => ValueBounds | undefined): boolean;
  /** Told where rows are left out: behind the batches so far, before the next. */
  onSkipped(rowCount: number): void;
}

export interface ReadAllOptions {
  readonly columns?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onRows?: (rowCount: number) => void;
}

/** What a table says of its positions. */
export interface DescribedPosition {
  /** Columns in degrees. */
  readonly ra: string;
  readonly dec: string;
  readonly frame: 'icrs' | 'galactic' | 'ecliptic' | undefined;
  /** When they are valid, as it stands there. */
  readonly epoch: string | undefined;
}

/** One table in any format. */
export interface TableReader {
  /** What messages call it: a path, the name of an upload. */
  readonly where: string;
  readonly format: Format;
  /** Of all columns; field metadata `ucd` and `unit` kept where the format has them. */
  readonly schema: Schema;
  /** Where the format says it before it is read. */
  readonly rowCount: number | undefined;
  /** The files of a table of several. */
  readonly parts?: readonly TablePart[];
  /** Where the table says by itself which columns its position is in. */
  readonly position?: DescribedPosition;
  /** What was left out of the table; `rowCount` and `batches` are of the rest. */
  readonly skipped?: SkippedRows;
  /** Values that became null because they did not fit their column's type, by column; final after reading. */
  readonly misfits: ReadonlyMap<string, number>;
  /** What who uses the table should know of it, such as columns that are left out or that a service cut it; final after reading. */
  readonly warnings?: readonly string[];
  /** May be called again for files, once for streams. */
  batches(options?: BatchOptions): AsyncIterable<RecordBatch>;
  /**
   * All rows as one batch whose columns lie in shared memory, where the format does that at less cost than batches do;
   * `onRows` is told the rows read so far.
   */
  readAll?(options?: ReadAllOptions): Promise<RecordBatch>;
  close(): Promise<void>;
}

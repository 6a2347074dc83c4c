import type { Positions } from '@armilla/sky';
import { ColumnStore, MessageEncoder, packColumn, type SharedColumns } from '@armilla/tables';
import { type Data, type DataType, type Field, type RecordBatch, Schema } from 'apache-arrow';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import type { MemoryLoan, SharedMemory } from '../shared-memory.js';
import { joinedData } from '../result/joined-data.js';

/** Columns that partitioned tables have before their own: right ascension, declination, row number. */
const POSITION_COLUMN_COUNT = 3;

/** Rows of one bucket in memory, in the order of the table. */
export interface BucketRows {
  readonly rowCount: number;
  /** Gone when `positionLoan` ends. */
  readonly pieces: readonly Positions[];
  readonly positionLoan: MemoryLoan;
  /** [rowCount] row numbers of the table, in shared memory; as the payload gone when `loan` ends. */
  readonly rows: Int32Array;
  /** The table's own columns, by number. */
  readonly payload: SharedColumns;
  readonly loan: MemoryLoan;
}

/** Reads all of `blocks`, which are of one bucket of a partitioned table. */
export async function readBucket(
  file: BlockFile,
  blocks: readonly Block[],
  memory: SharedMemory,
  signal: AbortSignal,
): Promise<BucketRows> {
  const loan = memory.loan();
  const batches: RecordBatch[] = [];
  for await (const batch of file.read(blocks, loan, { signal })) batches.push(batch);
  return bucketRows(file.schema, batches, loan, memory.loan());
}

/** The rows of `blocks` in parts of about `partRowCount`. */
export async function* bucketParts(
  file: BlockFile,
  blocks: readonly Block[],
  partRowCount: number,
  memory: SharedMemory,
  signal: AbortSignal,
): AsyncGenerator<BucketRows, void, undefined> {
  let part: Block[] = [];
  let rowCount = 0;
  for (const block of blocks) {
    if (rowCount > 0 && rowCount + block.rowCount > partRowCount) {
      yield await readBucket(file, part, memory, signal);
      part = [];
      rowCount = 0;
    }
    part.push(block);
    rowCount += block.rowCount;
  }
  if (rowCount > 0) yield await readBucket(file, part, memory, signal);
}

function bucketRows(
  schema: Schema,
  batches: readonly RecordBatch[],
  positionLoan: MemoryLoan,
  loan: MemoryLoan,
): BucketRows {
  const rowCount = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  const pieces = batches.map(({ data: { children } }): Positions => {
    const [ra, dec] = children.map(({ values }) => values as Float64Array);
    return { ra, dec };
  });
  const columns = schema.fields.slice(POSITION_COLUMN_COUNT - 1).map((field, c) =>
    batches.length === 0
      ? emptyColumn(field)
      : joinedData(
          batches.map(({ data }) => data.children[POSITION_COLUMN_COUNT - 1 + c]),
          loan,
        ),
  );
  const own = new Schema(schema.fields.slice(POSITION_COLUMN_COUNT));
  const payload = {
    schemaHeader: new MessageEncoder(own).schemaMessage().header,
    rowCount,
    columns: columns.slice(1).map((column) => packColumn(column, { dictionaries: false })),
  };
  return { rowCount, pieces, positionLoan, rows: columns[0].values as Int32Array, payload, loan };
}

function emptyColumn(field: Field): Data<DataType> {
  return new ColumnStore(new Schema([field])).seal().columns[0];
}
